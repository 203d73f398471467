#pragma once

#include "headrace/pipeline/decoder.h"

namespace headrace {

// Throws Error{invalid_argument} if an image of that shape cannot be decoded as asked, at whatever
// resolution, without indices. Private to formats.
void check_request(const DecodeRequest& request, const ImageShape& shape);

// Throws Error{unsupported} if there are more than `max_pixels`; `kind` is "JPEG", ...
void check_pixel_limit(const char* kind, const ImageShape& shape, std::int64_t max_pixels);

}  // namespace headrace
