// Eight replicas, batches of 256, RMSprop, and the accuracy on images that were not trained on.

#include <cstdio>
#include <memory>

#include "headrace/augment/recipe.h"
#include "headrace/formats/image_codec.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/subset.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/trainer.h"

int main(int argc, char** argv) try {
  using namespace headrace;
  if (argc < 2) return std::fprintf(stderr, "usage: eight_replicas DATA\n"), 2;

  Recipe recipe({28, 28, 1});
  recipe.set("rescale", 1.0 / 255);
  const auto data = open_dataset(argv[1]);
  const auto images_of = [&](const std::shared_ptr<const Dataset>& part) {
    return std::make_shared<ImageSequence>(part, make_image_decoder(), recipe.make_augmenter());
  };
  const std::int64_t kept = data->size() / 5;  // for validation
  Loader validation(images_of(std::make_shared<Subset>(data, 0, kept)),
                    {.batch_size = 256, .epochs = 1});
  Loader training(images_of(std::make_shared<Subset>(data, kept, data->size() - kept)),
                  {.batch_size = 256});

  auto backend = make_cpu_backend();
  Trainer trainer(make_model("mnist_cnn", {28, 28, 1}, 10),
                  {.batch_size = 256, .replicas = 8, .optimizer = RmsProp{}}, *backend);
  const History& history = trainer.fit(training, {.epochs = 2, .validation = &validation});
  std::printf("accuracy %.4f, of validation %.4f\n", history.back().accuracy,
              *history.back().val_accuracy);
  return *history.back().val_accuracy > 0.6 ? 0 : 1;
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
