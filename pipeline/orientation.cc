#include "headrace/pipeline/orientation.h"

#include <cassert>
#include <cstring>
#include <utility>

namespace headrace {
namespace {

// Upright pixel (y, x) is stored pixel (y, x), with the coordinates exchanged if `transposed`, and
// then counted from the bottom or from the right.
struct Turn {
  bool transposed;
  bool from_bottom;
  bool from_right;
};

Turn turn_of(int orientation) {
  assert(orientation >= 1 && orientation <= 8);
  const int o = orientation;
  return {.transposed = o >= 5,
          .from_bottom = o == 3 || o == 4 || o == 6 || o == 7,
          .from_right = o == 2 || o == 3 || o == 7 || o == 8};
}

template <std::size_t pixel_bytes>
void copy_pixels(const std::byte* from, std::ptrdiff_t step, int count, std::byte* to) {
  for (int i = 0; i < count; ++i, from += step, to += pixel_bytes) {
    std::memcpy(to, from, pixel_bytes);
  }
}

void copy_pixels(const std::byte* from, std::ptrdiff_t step, int count, std::size_t pixel_bytes,
                 std::byte* to) {
  switch (pixel_bytes) {
    case 1: return copy_pixels<1>(from, step, count, to);
    case 3: return copy_pixels<3>(from, step, count, to);
  }
  for (int i = 0; i < count; ++i, from += step, to += pixel_bytes) {
    std::memcpy(to, from, pixel_bytes);
  }
}

}  // namespace

ImageSize upright_size(ImageSize stored, int orientation) {
  if (turn_of(orientation).transposed) std::swap(stored.height, stored.width);
  return stored;
}

Region stored_region(const Region& upright, ImageSize stored, int orientation) {
  const Turn turn = turn_of(orientation);
  Region region = upright;
  if (turn.transposed) region = {upright.left, upright.top, upright.width, upright.height};
  if (turn.from_bottom) region.top = stored.height - region.top - region.height;
  if (turn.from_right) region.left = stored.width - region.left - region.width;
  return region;
}

Region upright_region(const Region& region, ImageSize stored, int orientation) {
  const Turn turn = turn_of(orientation);
  Region upright = region;
  if (turn.from_bottom) upright.top = stored.height - region.top - region.height;
  if (turn.from_right) upright.left = stored.width - region.left - region.width;
  if (turn.transposed) upright = {upright.left, upright.top, upright.width, upright.height};
  return upright;
}

void make_upright(const ImageView& stored, int orientation, Image& into) {
  const Turn turn = turn_of(orientation);
  const ImageSize size = upright_size(stored.shape.size(), orientation);
  into.reshape({size.height, size.width, stored.shape.channels}, stored.type);
  const std::size_t pixel_bytes =
      static_cast<std::size_t>(stored.shape.channels) * size_of(stored.type);
  const auto row = static_cast<std::ptrdiff_t>(stored.row_bytes);
  const auto pixel = static_cast<std::ptrdiff_t>(pixel_bytes);
  // Where upright pixel (0, 0) lies, and the way to the next one down and right.
  const std::ptrdiff_t stored_down = turn.from_bottom ? -row : row;
  const std::ptrdiff_t stored_right = turn.from_right ? -pixel : pixel;
  const std::byte* origin = stored.data + (turn.from_bottom ? (stored.shape.height - 1) * row : 0) +
                            (turn.from_right ? (stored.shape.width - 1) * pixel : 0);
  const std::ptrdiff_t down = turn.transposed ? stored_right : stored_down;
  const std::ptrdiff_t right = turn.transposed ? stored_down : stored_right;
  for (int y = 0; y < size.height; ++y) {
    copy_pixels(origin + y * down, right, size.width, pixel_bytes, into.row<std::byte>(y));
  }
}

}  // namespace headrace
