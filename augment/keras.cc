#include "headrace/augment/keras.h"

namespace headrace {

Recipe KerasImageDataGenerator::recipe(ImageShape output) const {
  Recipe recipe(output);
  recipe.set("width_shift", width_shift_range)
      .set("height_shift", height_shift_range)
      .set("horizontal_flip", horizontal_flip)
      .set("vertical_flip", vertical_flip)
      .set("fill_mode", fill_mode)
      .set("fill_value", cval)
      .set("rescale", rescale == 0 ? 1.0 : rescale)
      .set("mean", featurewise_center ? "channel" : "none");
  return recipe;
}

}  // namespace headrace
