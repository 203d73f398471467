// fit(x, y): training from arrays that are in memory already, with augmentation.

#include <cstdio>
#include <memory>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

int main() {
  using namespace headrace;
  // x: 2,000 grey images of 12 x 12 with a bar that stands (0) or lies (1); y: which.
  std::vector<std::uint8_t> x(2000 * 12 * 12, 20);
  std::vector<std::int32_t> y(2000);
  Rng rng(/*seed=*/3, /*epoch=*/0);
  for (std::size_t n = 0; n < y.size(); ++n) {
    y[n] = static_cast<std::int32_t>(rng.below(2));
    const auto at = static_cast<std::size_t>(2 + rng.below(8));
    for (std::size_t i = 0; i < 12; ++i) x[n * 144 + (y[n] == 0 ? i * 12 + at : at * 12 + i)] = 220;
  }

  auto data = std::make_shared<ArrayDataset>(
      ImageArrays{.shape = {12, 12, 1}, .u8_pixels = x, .labels = y});
  Recipe recipe({12, 12, 1});
  recipe.set("height_shift", 0.1).set("vertical_flip", true).set("rescale", 1.0 / 255);
  auto images = std::make_shared<ImageSequence>(data, nullptr, recipe.make_augmenter());
  Loader loader(images, {.batch_size = 50});

  ModelBuilder model;
  auto v = model.input({12, 12, 1});
  v = model.conv2d(v, 8, 3, {.activation = "relu"});
  v = model.max_pooling2d(v);
  v = model.flatten(v);
  model.dense(v, 2, {.activation = "softmax"});

  auto backend = make_cpu_backend();
  Trainer trainer(model.build(), {.batch_size = 50, .optimizer = Adam{.learning_rate = 0.01}},
                  *backend);
  const History& history = trainer.fit(loader, {.epochs = 3});
  std::printf("accuracy %.3f after %zu epochs\n", history.back().accuracy, history.size());
  return history.back().accuracy > 0.95 ? 0 : 1;
}
