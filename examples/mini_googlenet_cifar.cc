// MiniGoogLeNet on CIFAR-10's binary files, on N replicas with 64 images each in a step: shifted,
// flipped, less the mean image of the training set; a learning rate that falls to 0; a plot.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "headrace/augment/recipe.h"
#include "headrace/formats/cifar.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/image_statistics.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/callbacks.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/trainer.h"

int main(int argc, char** argv) try {
  using namespace headrace;
  if (argc < 5) {
    return std::fprintf(stderr, "usage: mini_googlenet_cifar CIFAR_FOLDER REPLICAS EPOCHS OUT\n"),
           2;
  }
  const int replicas = std::stoi(argv[2]);
  const std::uint64_t epochs = std::stoull(argv[3]);
  const std::filesystem::path out = argv[4];
  std::filesystem::create_directories(out);

  const auto data = open_cifar({argv[1]});
  Recipe recipe({32, 32, 3});
  recipe.set("width_shift", 0.1).set("height_shift", 0.1).set("horizontal_flip", true);
  recipe.set("fill_mode", "nearest").set("mean", "pixel");
  const auto images_of = [&](const Recipe& made) {
    return std::make_shared<ImageSequence>(data, nullptr, made.make_augmenter());
  };
  Loader plain(images_of(recipe.unaugmented()), {.epochs = 1});
  recipe.set_mean(fit_statistics(plain));
  Loader loader(images_of(recipe), {.batch_size = 64 * replicas, .drop_last = true});

  auto backend = make_cpu_backend();
  TrainerOptions options;
  options.batch_size = 64 * replicas;
  options.replicas = replicas;
  options.optimizer = Sgd{.learning_rate = 5e-3, .momentum = 0.9};
  options.schedule = Schedule{.rate = PolynomialDecay{.initial_learning_rate = 5e-3,
                                                      .decay_steps = static_cast<double>(epochs),
                                                      .end_learning_rate = 0},
                              .unit = ScheduleUnit::epoch};
  Trainer trainer(make_model("mini_googlenet", {32, 32, 3}, 10), options, *backend);
  CsvLogger history(out / "history.csv");
  const double loss = trainer.fit(loader, {.epochs = epochs, .callbacks = {&history}}).back().loss;
  const std::string plot =
      "cd '" + out.string() + "' && gnuplot -e \"set terminal png; set output 'curves.png'; " +
      "set datafile separator ','; set key autotitle columnheader; set xlabel 'epoch'; " +
      "plot for [column = 2:3] 'history.csv' using 1:column with linespoints\"";
  return loss < 4 && std::system(plot.c_str()) == 0 ? 0 : 1;
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
