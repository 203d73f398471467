#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "headrace/pipeline/image.h"

namespace headrace {

// A function of one's own on an image's values, interleaved rows; it may be called from many
// threads at once.
using PreprocessingFunction = std::function<void(std::span<float> values, ImageShape shape)>;

// What Keras' ImageDataGenerator does to an image as a whole, after augmentation, in its order: the
// function, rescaling, the sample's own mean (of all its values) and deviation, those of the data
// set, whitening. Nothing but the first two and the data set's can be had from a single pass over
// the values, so recipes without the rest do not come here.
class Standardize {
 public:
  struct Numbers {
    PreprocessingFunction function;
    double scale = 1;
    bool samplewise_center = false;
    bool samplewise_std = false;
    std::vector<double> mean;       // of each element, of each channel, of all, or none
    std::vector<double> deviation;  // of each channel, of all, or none
    std::vector<float> whitening;   // elements x elements, symmetric, or none
  };

  explicit Standardize(Numbers numbers) : numbers_(std::move(numbers)) {}

  bool is_needed() const {
    return numbers_.function || numbers_.samplewise_center || numbers_.samplewise_std ||
           !numbers_.whitening.empty();
  }
  // `spare` may grow.
  void apply(std::span<float> values, ImageShape shape, std::vector<std::byte>& spare) const;

 private:
  void apply_samplewise(std::span<float> values) const;
  void apply_featurewise(std::span<float> values, std::size_t channels) const;

  Numbers numbers_;
};

}  // namespace headrace
