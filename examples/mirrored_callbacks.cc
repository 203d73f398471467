// Two mirrored replicas, a loss from logits, and callbacks: checkpoints, a history file, a schedule
// of the learning rate, and one that prints it.

#include <cstdio>
#include <filesystem>
#include <memory>

#include "headrace/augment/recipe.h"
#include "headrace/formats/image_codec.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/subset.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/callbacks.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/trainer.h"

namespace {

class Decay final : public headrace::Callback {
  void on_epoch_begin(headrace::Trainer& trainer, std::uint64_t epoch) override {
    trainer.set_learning_rate(epoch < 2 ? 1e-2 : 1e-3);
  }
  void on_epoch_end(headrace::Trainer& trainer, const headrace::EpochRecord& epoch) override {
    std::printf("learning rate %g: loss %.4f, accuracy %.4f\n", trainer.learning_rate(), epoch.loss,
                epoch.accuracy);
  }
};

}  // namespace

int main(int argc, char** argv) try {
  using namespace headrace;
  if (argc < 3) return std::fprintf(stderr, "usage: mirrored_callbacks DATA FOLDER\n"), 2;
  const std::filesystem::path folder = argv[2];
  std::filesystem::create_directories(folder);

  Recipe recipe({28, 28, 1});
  recipe.set("rescale", 1.0 / 255);
  auto images =
      std::make_shared<ImageSequence>(std::make_shared<Subset>(open_dataset(argv[1]), 0, 2000),
                                      make_image_decoder(), recipe.make_augmenter());
  Loader loader(images, {.batch_size = 50});

  auto backend = make_cpu_backend();
  Trainer trainer(
      make_model("global_max_cnn", {28, 28, 1}, 10),
      {.batch_size = 50, .replicas = 2, .loss = {.from_logits = true}, .optimizer = Adam{}},
      *backend);
  Decay decay;
  CsvLogger history(folder / "history.csv");
  CheckpointSaver best({.path = folder / "best.safetensors", .best = Monitor::accuracy}, {});
  trainer.fit(loader, {.epochs = 3, .callbacks = {&decay, &history, &best}});
  return trainer.history().back().accuracy > 0.25 ? 0 : 1;
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
