#pragma once

#include <string>
#include <utility>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// A shift as Keras takes it: a fraction below 1, else pixels (double); fewer than so many whole
// pixels (int); one of a list.
struct KerasShift {
  enum class Kind { continuous, pixels, choices };
  Kind kind = Kind::continuous;
  std::vector<double> values;

  KerasShift(double range) : values(1, range) {}
  KerasShift(int pixels) : kind(Kind::pixels), values(1, pixels) {}
  KerasShift(std::vector<double> choices) : kind(Kind::choices), values(std::move(choices)) {}
};

// z for [1 - z, 1 + z], or the two ends.
struct KerasZoom {
  std::vector<double> range;

  KerasZoom(double by) {
    if (by != 0) range = {1 - by, 1 + by};
  }
  KerasZoom(std::vector<double> ends) : range(std::move(ends)) {}
};

// Keras' ImageDataGenerator: its parameters by its names and with its defaults.
//
// They mean what Keras' documentation says. `compat` repeats what its versions make of it instead,
// where these differ from it and from each other: "keras2" is keras-preprocessing 1.1.2, "keras3"
// Keras 3.
//   geometry    keras2 turns about a point 1 pixel right of and below the centre, and its matrix is
//               of (row, column); keras3 moves columns by the height's shift and rows by the
//               width's, and takes the centre of images that are not square for (height / 2 right,
//               width / 2 down).
//   fill_mode   "constant" does not blend into the border, and "wrap" has a period of one pixel
//               less than the image, as scipy.ndimage has them.
//   lists       a shift of a list is given a random sign.
// Not repeated: brightness squeezing floats through u8, and the draws themselves, which are
// Headrace's own (Philox, by seed, epoch and sample).
//
// Where Keras has a class mode, a data set has its targets: categorical and sparse are the label
// and the loss that reads it, binary is two classes, input is the image itself, multi_output and
// raw are values beside the image (docs/augmentation.md). preprocessing_function is
// Recipe::set_function, data_format the layout, dtype the output's type; validation_split is a data
// set's (selection.h).
struct KerasImageDataGenerator {
  bool featurewise_center = false;  // subtracts the mean per channel of the fitted data
  bool samplewise_center = false;
  bool featurewise_std_normalization = false;  // subtracts the mean too, as in Keras
  bool samplewise_std_normalization = false;   // the same, of each image
  bool zca_whitening = false;                  // the same
  double zca_epsilon = 1e-6;
  double rotation_range = 0;  // degrees
  KerasShift width_shift_range = 0.0;
  KerasShift height_shift_range = 0.0;
  std::vector<double> brightness_range = {};  // two factors
  double shear_range = 0;                     // degrees
  KerasZoom zoom_range = 0.0;
  double channel_shift_range = 0;
  // nearest, constant, reflect, wrap; scipy's mirror, grid-mirror, grid-wrap, grid-constant
  std::string fill_mode = "nearest";
  double cval = 0;
  bool horizontal_flip = false;
  bool vertical_flip = false;
  double rescale = 0;  // 0: none
  PreprocessingFunction preprocessing_function = {};
  std::string data_format = "channels_last";
  int interpolation_order = 1;  // 0, 1 or 3
  std::string compat = "none";

  // Throws Error{invalid_argument} as Recipe::set() does.
  Recipe recipe(ImageShape output) const;
};

// What Keras' get_random_transform() draws and apply_transform() does; pixels and degrees.
struct KerasTransform {
  double theta = 0;
  double tx = 0, ty = 0;
  double shear = 0;
  double zx = 1, zy = 1;
  bool flip_horizontal = false;
  bool flip_vertical = false;
  double channel_shift_intensity = 0;
  double brightness = 1;
};

// The plan of that transform for a recipe that KerasImageDataGenerator made: its resize, fill mode
// and compat, none of its draws.
SamplePlan keras_plan(const Recipe& recipe, const KerasTransform& transform, ImageSize source);

}  // namespace headrace
