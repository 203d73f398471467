#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "headrace/pipeline/augmenter.h"

namespace headrace {

// A function of one's own on each finished image, like Keras' preprocessing_function.
struct ImageFunction {
  // Its stream of random numbers, and its part in fingerprints: to be changed when what it does
  // changes.
  std::string name = {};
  // Numbers in [0, 1) that are drawn for each sample of each epoch, 0 to 8.
  int draws = 0;
  // Changes an image where it lies in the batch: f32, in the layout of the recipe's output. Must be
  // pure, and is called by many threads at once.
  std::function<void(std::span<float> image, std::span<const float> draws)> apply = {};
};

// A recipe, and after it a function.
// Throws Error{invalid_argument} if the function has no name or nothing to call, draws more than 6
// numbers, or the recipe's output is not f32.
std::shared_ptr<const Augmenter> with_function(std::shared_ptr<const Augmenter> recipe,
                                               ImageFunction function);

}  // namespace headrace
