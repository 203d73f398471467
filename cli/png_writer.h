#pragma once

#include <cstddef>
#include <vector>

#include "headrace/pipeline/image.h"

namespace headrace::cli {

// A PNG file of u8 pixels of 1 (grey) or 3 channels (RGB), rows unfiltered or the difference to the
// row above, whichever a glance says is smaller.
std::vector<std::byte> encode_png(const ImageView& pixels);

}  // namespace headrace::cli
