// A generator of batches from a list of image files: 32 images of 128 x 128, divided by 255, while
// the batch before is trained on.

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
  if (argc < 2) return std::fprintf(stderr, "usage: generator_from_list LIST.csv\n"), 2;

  Recipe recipe({128, 128, 3});
  recipe.set("rescale", 1.0 / 255);
  auto images = std::make_shared<ImageSequence>(open_dataset(argv[1]), make_image_decoder(),
                                                recipe.make_augmenter());
  Loader loader(images, {.batch_size = 32});

  auto backend = make_cpu_backend();
  Trainer trainer(make_model("generator_cnn", {128, 128, 3}, 10),
                  {.batch_size = 32, .optimizer = Adam{}}, *backend);
  const History& history = trainer.fit(loader, {.epochs = 3});
  std::printf("loss %.4f, accuracy %.4f\n", history.back().loss, history.back().accuracy);
  return history.back().accuracy > 0.3 ? 0 : 1;
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
