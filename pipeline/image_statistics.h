#pragma once

#include <cstdint>
#include <vector>

#include "headrace/pipeline/image.h"
#include "headrace/pipeline/loader.h"

namespace headrace {

// Sums over the images of a data set, from which means and deviations follow. Sums of u8 images
// are integers: the same at any thread count and in any order.
struct ImageStatistics {
  ImageShape shape;
  std::int64_t images = 0;
  std::vector<double> mean;          // per pixel, shape.elements() values, in source levels
  std::vector<double> channel_mean;  // over all pixels and images
  std::vector<double> channel_std;   // population deviation
};

// One pass over one epoch of `images`, whose field "image" must be u8 or f32 of shape
// {height, width, channels}: an unaugmented sequence. Ends the loader's use: it is left at the end
// of that epoch.
// Throws Error{invalid_argument} if the field does not fit.
ImageStatistics fit_statistics(Loader& images);

}  // namespace headrace
