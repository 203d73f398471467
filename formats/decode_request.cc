#include "headrace/formats/decode_request.h"

#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/sample_plan.h"

namespace headrace {

void check_request(const DecodeRequest& request, const ImageShape& shape) {
  if (request.channels != 1 && request.channels != 3) {
    throw Error(ErrorCode::invalid_argument,
                "decode to 1 or 3 channels, not " + std::to_string(request.channels));
  }
  if (request.indices) {
    throw Error(ErrorCode::invalid_argument, "there are no indices to decode: no palette");
  }
  if (request.eighths < 1 || request.eighths > 8) {
    throw Error(ErrorCode::invalid_argument, "decode at 1 to 8 eighths of the resolution, not " +
                                                 std::to_string(request.eighths));
  }
  const ImageSize size = size_at_eighths(shape.size(), request.eighths);
  const Region& region = request.region;
  if (region.top < 0 || region.left < 0 || region.height <= 0 || region.width <= 0 ||
      region.height > size.height - region.top || region.width > size.width - region.left) {
    throw Error(ErrorCode::invalid_argument, "the region to decode does not lie inside the image");
  }
}

void check_pixel_limit(const char* kind, const ImageShape& shape, std::int64_t max_pixels) {
  if (std::int64_t{shape.height} * shape.width <= max_pixels) return;
  throw Error(ErrorCode::unsupported, std::string(kind) + " of " + std::to_string(shape.height) +
                                          "x" + std::to_string(shape.width) +
                                          " pixels: more than the limit of " +
                                          std::to_string(max_pixels));
}

}  // namespace headrace
