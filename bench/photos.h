#pragma once

#include <cstddef>
#include <memory>
#include <random>
#include <vector>

#include "headrace/formats/seek_index.h"
#include "headrace/pipeline/image.h"

namespace headrace::bench {

using Bytes = std::vector<std::byte>;

// The JPEG files of the folder $HEADRACE_BENCH_PHOTOS (script/bench-data makes such), in the order
// of their names, 400 at most; without it, one drawn photo of that size and quality.
const std::vector<Bytes>& photos(ImageSize drawn = {375, 500}, int quality = 85);

// Of photos().
std::shared_ptr<const SeekIndex> photo_index();

// As random-resized-crop draws it: 8 % to all of the area.
Region random_crop(const ImageSize& size, std::mt19937_64& rng);

}  // namespace headrace::bench
