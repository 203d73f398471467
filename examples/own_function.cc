// A function of one's own on every image, after all that the recipe does: here, noise, as much of
// it as is drawn for the image.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/pipeline/function_augmenter.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"

int main() {
  using namespace headrace;
  std::vector<std::uint8_t> x(500 * 12 * 12, 128);  // 500 grey images
  auto data = std::make_shared<ArrayDataset>(ImageArrays{.shape = {12, 12, 1}, .u8_pixels = x});
  Recipe recipe({12, 12, 1});
  recipe.set("horizontal_flip", true).set("rescale", 1.0 / 255);

  ImageFunction noise{.name = "noise", .draws = 2};  // how much, and which
  noise.apply = [](std::span<float> image, std::span<const float> draws) {
    Rng rng(static_cast<std::uint64_t>(draws[1] * 1e9f), 0);
    for (float& value : image) {
      value += 0.2f * draws[0] * (static_cast<float>(rng.uniform()) - 0.5f);
    }
  };
  auto images =
      std::make_shared<ImageSequence>(data, nullptr, with_function(recipe.make_augmenter(), noise),
                                      ImageSequenceOptions{.seed = 1});

  Loader loader(images, {.batch_size = 50, .epochs = 1});
  float largest = 0;
  while (auto batch = loader.next()) {
    for (const float value : batch->field("image").as<float>()) {
      largest = std::max(largest, std::abs(value - 128.f / 255));
    }
  }
  std::printf("the most noise on a pixel: %.3f\n", largest);
  return largest > 0.05f && largest <= 0.1f ? 0 : 1;
}
