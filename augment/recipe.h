#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/augment/parameter.h"
#include "headrace/augment/standardize.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/image.h"
#include "headrace/pipeline/image_statistics.h"

namespace headrace {

// What is subtracted from the (rescaled) pixels.
enum class MeanKind : std::uint8_t { none, pixel, channel };

enum class Layout : std::uint8_t { nhwc, nchw };

// What becomes of an image on its way into a batch: cropped and resized to the output size, moved
// and mirrored by random operations, multiplied by `rescale`, the mean subtracted, the result
// divided by a deviation. A value type; its
// make_augmenter() does the work.
//
//   Recipe recipe({32, 32, 3});
//   recipe.set("width_shift", 0.1).set("horizontal_flip", true).set("mean", "pixel");
//   recipe.set_mean(fit_statistics(unaugmented_images));
//
// Output is [height, width, channels] (layout nhwc) or [channels, height, width] (nchw), of type
// f32, f16, bf16, or u8 (then without rescale, mean and deviation). A value is computed in f32 as
//   level * (rescale / channel_std) + (-mean / channel_std)
// with both factors rounded once, a multiplication and an addition, then rounded to the type.
//
// Order, as in Keras' ImageDataGenerator: resize, operations as listed (by default in the order of
// recipe_parameters()), the function, rescale, the sample's own mean and deviation, the data set's,
// whitening. All geometry is one sampling of the source, before all that paints.
class Recipe {
 public:
  // Throws Error{invalid_argument} unless every extent is positive and the type is u8, f32, f16 or
  // bf16.
  explicit Recipe(ImageShape output, ElementType type = ElementType::f32);

  const ImageShape& output() const { return output_; }
  ElementType type() const { return type_; }

  // Sets a parameter of recipe_parameters(). An operation set for the first time takes its place in
  // their order; one set to its default ("do nothing") is removed. Setting "mean" to another kind,
  // or "rescale", forgets the mean values.
  // Throws Error{invalid_argument} as recipe_parameter() and check_value() do.
  Recipe& set(std::string_view name, const ParameterValue& value);
  // The value of a parameter, its default if it was not set.
  const ParameterValue& get(std::string_view name) const;

  Layout layout() const;
  // What is fitted; a given channel_mean is none.
  MeanKind mean_kind() const;
  // True if values that are fitted (mean, deviation, whitening) are wanted and not yet given.
  bool needs_mean() const;
  // The values to subtract, in rescaled units: output().elements() of them for MeanKind::pixel (row
  // by row), output().channels for MeanKind::channel.
  // Throws Error{invalid_argument} for another number, or with MeanKind::none.
  void set_mean(std::vector<float> values);
  // The same from statistics in source levels, as fitted over unaugmented() images; also the
  // deviation and the whitening, if they are wanted.
  void set_mean(const ImageStatistics& statistics);
  const std::vector<float>& mean() const { return mean_; }
  // By channel, in rescaled units; wanted if "std" is channel. Throws as set_mean() does.
  void set_deviation(std::vector<float> values);
  const std::vector<float>& deviation() const { return deviation_; }
  // output().elements() x output().elements() numbers, wanted if "zca_whitening" is set.
  void set_whitening(std::vector<float> matrix);
  const std::vector<float>& whitening() const { return whitening_; }

  // Takes what was fitted for another recipe of the same output and normalisation.
  void set_fitted(const Recipe& other);

  // A function on every image after augmentation, before rescaling: Keras' preprocessing_function.
  // `name` stands for it in the fingerprint; to_json() has neither.
  void set_function(std::string name, PreprocessingFunction function);
  const PreprocessingFunction& function() const { return function_; }

  // Nothing random, nothing normalised; of the type of the source's pixels: what the mean is fitted
  // over.
  Recipe unaugmented(ElementType pixels = ElementType::u8) const;
  // The same resize and normalisation, nothing random: for validation and prediction. In place of
  // random_resized_crop, what ImageNet is evaluated with: short_side 8/7 of the output's shorter
  // side (256 for 224).
  Recipe for_inference() const;

  // The same operations, to u8, without rescaling, means, deviations, whitening and the function:
  // what can be looked at.
  Recipe without_normalisation() const;

  // Everything but the mean's values, which travel as an array.
  std::string to_json() const;
  // Throws Error{invalid_argument} naming the key that is wrong, and what would do.
  static Recipe from_json(std::string_view text);
  // Sets what the JSON object `text` names and leaves the rest: a file of options, which may leave
  // "output" out.
  Recipe& update_from_json(std::string_view text);

  // Differs when any rendered pixel could differ: also with the mean's values.
  std::uint64_t fingerprint() const;

  // Throws Error{invalid_argument} if the mean is needed and missing, if a u8 output is to be
  // normalised, if channel_mean or channel_std have neither one value nor one for each channel, or
  // if two of the recipe's parameters contradict each other.
  std::shared_ptr<const Augmenter> make_augmenter() const;

  // Set operations in the order in which they are applied.
  using Setting = std::pair<std::string, ParameterValue>;
  const std::vector<Setting>& operations() const { return operations_; }

 private:
  ImageShape output_;
  ElementType type_;
  std::vector<Setting> settings_;  // resize, fill, normalisation; only what is not default
  std::vector<Setting> operations_;
  std::vector<float> mean_;
  std::vector<float> deviation_;
  std::vector<float> whitening_;
  std::string function_name_;
  PreprocessingFunction function_;
};

}  // namespace headrace
