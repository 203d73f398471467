// mnist_cnn on several replicas of the model, each on its share of batches of 128.

#include <cstdio>
#include <memory>

#include "headrace/augment/recipe.h"
#include "headrace/formats/image_codec.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/trainer.h"

int main(int argc, char** argv) try {
  using namespace headrace;
  if (argc < 3) return std::fprintf(stderr, "usage: mnist_on_replicas DATA REPLICAS\n"), 2;

  Recipe recipe({28, 28, 1});
  recipe.set("rescale", 1.0 / 255);
  auto images = std::make_shared<ImageSequence>(open_dataset(argv[1]), make_image_decoder(),
                                                recipe.make_augmenter());
  Loader loader(images, {.batch_size = 128, .drop_last = true});  // steps = images / 128

  auto backend = make_cpu_backend();
  TrainerOptions options;
  options.batch_size = 128;
  options.replicas = std::stoi(argv[2]);
  options.optimizer = Adam{};
  Trainer trainer(make_model("mnist_cnn", {28, 28, 1}, 10), options, *backend);
  const History& history = trainer.fit(loader, {.epochs = 1});
  std::printf("%s replicas: loss %.4f, accuracy %.4f\n", argv[2], history.back().loss,
              history.back().accuracy);
  return history.back().accuracy > 0.6 ? 0 : 1;
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
