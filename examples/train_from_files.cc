// Trains a model from a list of images (or a folder, an IDX pair, CIFAR files) and saves it.

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
  if (argc < 2) return std::fprintf(stderr, "usage: train_from_files DATA [EPOCHS]\n"), 2;

  auto data = open_dataset(argv[1]);
  Recipe recipe({28, 28, 1});
  recipe.set("width_shift", 0.05).set("horizontal_flip", true).set("rescale", 1.0 / 255);
  auto images = std::make_shared<ImageSequence>(data, make_image_decoder(), recipe.make_augmenter(),
                                                ImageSequenceOptions{.seed = 1});
  Loader loader(images, {.batch_size = 128});

  auto backend = make_cpu_backend();
  Trainer trainer(make_model("mnist_cnn", {28, 28, 1}, 10),
                  {.batch_size = 128, .replicas = 2, .optimizer = Adam{}}, *backend);
  trainer.fit(loader, {.epochs = argc > 2 ? std::stoull(argv[2]) : 5});
  std::printf("accuracy %.3f\n", trainer.history().back().accuracy);
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
