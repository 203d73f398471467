#include "headrace/formats/baseline/upsampler.h"

#include <algorithm>
#include <cstring>

namespace headrace::baseline {
namespace {

template <class T>
void grow(std::vector<T>& memory, std::size_t count) {
  if (memory.size() < count) memory.resize(count);
}

}  // namespace

SampleSpan samples_of(int first, int length, bool halved, int samples) {
  const int last = first + length - 1;
  if (!halved) return {first, last};
  return {std::max(0, (first + 1) / 2 - 1), std::min(samples - 1, (last + 1) / 2)};
}

void Upsampler::make_row(const SampleGrid& grid, const PixelKernels& kernels,
                         std::span<const PlaneView> planes, int y, int left, int width,
                         int channels, std::uint8_t* out) {
  const auto count = static_cast<std::size_t>(width);
  const std::uint8_t* const luma = planes[0].at(y, left);
  if (channels == 1) {
    std::memcpy(out, luma, count);
    return;
  }
  if (grid.components == 1) {
    for (std::size_t i = 0; i < count; ++i, out += 3) out[0] = out[1] = out[2] = luma[i];
    return;
  }
  std::array<const std::uint8_t*, 2> chroma{};
  for (std::size_t i = 0; i < 2; ++i) {
    chroma[i] = chroma_row(grid, kernels, planes[i + 1], y, left, width, rows_[i]);
  }
  kernels.to_rgb(luma, chroma[0], chroma[1], count, out);
}

const std::uint8_t* Upsampler::chroma_row(const SampleGrid& grid, const PixelKernels& kernels,
                                          const PlaneView& plane, int y, int left, int width,
                                          std::vector<std::uint8_t>& row) {
  const bool halved_rows = grid.halved_rows;
  const bool halved_columns = grid.halved_columns;
  const int near = halved_rows ? y / 2 : y;
  const int far = std::clamp(y % 2 == 0 ? near - 1 : near + 1, 0, grid.chroma.height - 1);
  if (!halved_columns && !halved_rows) return plane.at(near, left);

  const SampleSpan samples = samples_of(left, width, halved_columns, grid.chroma.width);
  const auto count = static_cast<std::size_t>(samples.last - samples.first + 1);
  grow(row, 2 * count + 2 * PixelKernels::slack);
  grow(blended_, count + 2 * PixelKernels::slack);
  // One sample repeated at either side makes an edge of the image no case of its own.
  std::uint16_t* const blended = blended_.data() + 1;
  const std::uint8_t* const nearer = plane.at(near, samples.first);
  if (halved_rows) {
    kernels.blend_rows(nearer, plane.at(far, samples.first), count, blended);
  } else {
    std::copy_n(nearer, count, blended);
  }
  if (!halved_columns) {
    const int bias = y % 2 == 0 ? 1 : 2;
    for (std::size_t i = 0; i < count; ++i) {
      row[i] = static_cast<std::uint8_t>((blended[i] + bias) >> 2);
    }
    return row.data();
  }
  blended[-1] = blended[0];
  blended[count] = blended[count - 1];
  kernels.interpolate(blended, count, halved_rows ? Interpolation{8, 7, 4} : Interpolation{1, 2, 2},
                      row.data());
  return row.data() + (left - 2 * samples.first);
}

}  // namespace headrace::baseline
