#include "headrace/train/cpu/pool_operation.h"

#include <algorithm>

#include "headrace/pipeline/error.h"

namespace headrace::cpu {
namespace {

// The part of a window along one axis that lies inside the image.
struct Part {
  std::int64_t begin = 0;  // in the image
  std::int64_t place = 0;  // of its first element in the window
  std::int64_t size = 0;
};

Part part_of(std::int64_t output, std::int64_t stride, std::int64_t before, std::int64_t window,
             std::int64_t input) {
  const std::int64_t start = output * stride - before;
  const std::int64_t begin = std::max<std::int64_t>(start, 0);
  return {begin, begin - start, std::min(start + window, input) - begin};
}

Array moved(Array array, std::int64_t elements) {
  array.data = static_cast<std::byte*>(array.data) +
               elements * static_cast<std::int64_t>(size_of(array.type));
  return array;
}

void clear(const Block& block, const View& view, std::int64_t elements) {
  std::fill_n(static_cast<std::byte*>(at(block, view).data),
              static_cast<std::size_t>(block.rows * elements) * size_of(view.type), std::byte{0});
}

}  // namespace

PoolGeometry::PoolGeometry(const PoolSpec& spec) : spec_(spec) {
  if (spec_.channel_block == 0) spec_.channel_block = spec_.input[2];
  find_runs();
  const Extent2& size = spec.window.size;
  const Extent2& strides = spec.window.strides;
  disjoint_ = strides.height >= size.height && strides.width >= size.width;
  std::int64_t covered = 0;
  for (const Run& run : runs_) covered += run.row.windows * run.row.high * run.row.wide;
  covering_ = disjoint_ && covered == spec.input[0] * spec.input[1];
}

void PoolGeometry::find_runs() {
  const Window& window = spec_.window;
  const auto high = window.along_height(spec_.input[0]);
  const auto wide = window.along_width(spec_.input[1]);
  const std::int64_t block = spec_.channel_block;
  for (std::int64_t y = 0; y < high.output; ++y) {
    const Part down =
        part_of(y, window.strides.height, high.before, window.size.height, spec_.input[0]);
    for (std::int64_t x = 0; x < wide.output; ++x) {
      const Part right =
          part_of(x, window.strides.width, wide.before, window.size.width, spec_.input[1]);
      const std::int64_t place = down.place * window.size.width + right.place;
      const std::int64_t input = down.begin * spec_.input[1] + right.begin;
      if (x > 0) {
        Run& last = runs_.back();
        const bool alike = last.row.wide == right.size && last.row.first_place == place &&
                           last.input + last.row.windows * window.strides.width == input;
        if (alike) {
          ++last.row.windows;
          continue;
        }
      }
      const PoolRow row{1,
                        block,
                        window.strides.width * block,
                        block,
                        spec_.input[1] * block,
                        down.size,
                        right.size,
                        place,
                        window.size.width};
      runs_.push_back({row, input, y * wide.output + x});
    }
  }
}

MaxPoolOperation::MaxPoolOperation(const PoolSpec& spec, TensorId winners, bool relu_backward)
    : spec_(spec), geometry_(spec), winners_(winners), relu_backward_(relu_backward) {
  const Extent2& size = spec.window.size;
  if (size.height * size.width > 256) {
    throw Error(ErrorCode::unsupported, "MaxPooling2D: windows of more than 256 pixels");
  }
}

void MaxPoolOperation::forward(const Block& block) const {
  const Array x = at(block, spec_.x), y = at(block, spec_.y);
  auto* winners = block.data<std::uint8_t>({winners_});
  const std::int64_t channels = spec_.output[2];
  geometry_.for_each(block.rows,
                     [&](const PoolRow& row, std::int64_t in, std::int64_t out, std::int64_t c) {
                       max_pool_forward(row, moved(x, in), moved(y, out * y.stride + c),
                                        winners + out * channels + c, channels);
                     });
}

void MaxPoolOperation::backward(const Block& block) const {
  const Array dx = at(block, spec_.dx), dy = at(block, spec_.dy), y = at(block, spec_.y);
  const auto* all_winners = block.data<std::uint8_t>({winners_});
  const std::int64_t channels = spec_.output[2];
  if (!geometry_.is_covering()) clear(block, spec_.dx, spec_.input.elements());
  geometry_.for_each(block.rows,
                     [&](const PoolRow& row, std::int64_t in, std::int64_t out, std::int64_t c) {
                       const Array slope = moved(dy, out * dy.stride + c);
                       const std::uint8_t* winners = all_winners + out * channels + c;
                       if (!geometry_.is_disjoint()) {
                         max_pool_backward_add(row, slope, winners, channels, moved(dx, in));
                       } else if (relu_backward_) {
                         max_pool_relu_backward_write(row, slope, moved(y, out * y.stride + c),
                                                      winners, channels, moved(dx, in));
                       } else {
                         max_pool_backward_write(row, slope, winners, channels, moved(dx, in));
                       }
                     });
}

std::vector<TensorId> MaxPoolOperation::backward_tensors() const {
  return {winners_, spec_.dx.tensor, spec_.dy.tensor, relu_backward_ ? spec_.y.tensor : no_tensor};
}

void AveragePoolOperation::forward(const Block& block) const {
  const Array x = at(block, spec_.x), y = at(block, spec_.y);
  geometry_.for_each(block.rows,
                     [&](const PoolRow& row, std::int64_t in, std::int64_t out, std::int64_t c) {
                       average_pool_forward(row, moved(x, in), moved(y, out * y.stride + c));
                     });
}

void AveragePoolOperation::backward(const Block& block) const {
  const Array dx = at(block, spec_.dx), dy = at(block, spec_.dy);
  clear(block, spec_.dx, spec_.input.elements());
  geometry_.for_each(
      block.rows, [&](const PoolRow& row, std::int64_t in, std::int64_t out, std::int64_t c) {
        average_pool_backward_add(row, moved(dy, out * dy.stride + c), moved(dx, in));
      });
}

void GlobalMaxOperation::forward(const Block& block) const {
  const std::int64_t channels = spec_.input[2], pixels = spec_.input[0] * spec_.input[1];
  const float* x = block.data(spec_.x);
  float* y = block.data(spec_.y);
  auto* winners = block.data<std::int32_t>({winners_});
  for (std::int64_t row = 0; row < block.rows; ++row) {
    largest_rows(x, static_cast<std::size_t>(pixels), static_cast<std::size_t>(channels), y,
                 winners);
    x += pixels * channels;
    y += channels;
    winners += channels;
  }
}

void GlobalMaxOperation::backward(const Block& block) const {
  const std::int64_t channels = spec_.input[2];
  const float* dy = block.data(spec_.dy);
  const auto* winners = block.data<std::int32_t>({winners_});
  float* dx = block.data(spec_.dx);
  clear(block, spec_.dx, spec_.input.elements());
  for (std::int64_t row = 0; row < block.rows; ++row) {
    for (std::int64_t c = 0; c < channels; ++c) dx[winners[c] * channels + c] = dy[c];
    dx += spec_.input.elements();
    dy += channels;
    winners += channels;
  }
}

}  // namespace headrace::cpu
