#pragma once

#include <string>

#include "headrace/augment/recipe.h"

namespace headrace {

// The parameters of Keras' ImageDataGenerator that recipes have, by Keras' names, meanings and
// defaults. What differs: a shift of 1 or more is continuous, in pixels, where Keras draws whole
// pixels for integers.
struct KerasImageDataGenerator {
  bool featurewise_center = false;  // subtracts the mean per channel of the fitted data
  double width_shift_range = 0;
  double height_shift_range = 0;
  std::string fill_mode = "nearest";
  double cval = 0;
  bool horizontal_flip = false;
  bool vertical_flip = false;
  double rescale = 0;  // 0: none

  // Throws Error{invalid_argument} as Recipe::set() does.
  Recipe recipe(ImageShape output) const;
};

}  // namespace headrace
