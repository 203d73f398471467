#include "headrace/train/cpu/pad_operation.h"

#include <algorithm>
#include <cstring>

namespace headrace::cpu {

template <class Visit>
void PadOperation::for_each_line(const Block& block, const View& small, const View& large,
                                 Visit visit) const {
  const auto element = static_cast<std::int64_t>(size_of(small.type));
  const std::int64_t pixel = spec_.input[2] * element;
  const std::int64_t line = spec_.input[1] * pixel, wide_line = spec_.output[1] * pixel;
  auto* from = block.data<std::byte>({small.tensor});
  auto* to = block.data<std::byte>({large.tensor});
  for (std::int64_t image = 0; image < block.rows; ++image) {
    for (std::int64_t y = 0; y < spec_.input[0]; ++y) {
      visit(from + (image * spec_.input[0] + y) * line,
            to + (image * spec_.output[0] + y + spec_.border.top) * wide_line +
                spec_.border.left * pixel,
            static_cast<std::size_t>(line));
    }
  }
}

void PadOperation::forward(const Block& block) const {
  const auto bytes =
      static_cast<std::size_t>(block.rows * spec_.output.elements()) * size_of(spec_.y.type);
  std::memset(block.data<std::byte>({spec_.y.tensor}), 0, bytes);
  for_each_line(block, spec_.x, spec_.y,
                [](const std::byte* small, std::byte* large, std::size_t size) {
                  std::memcpy(large, small, size);
                });
}

void PadOperation::backward(const Block& block) const {
  for_each_line(block, spec_.dx, spec_.dy,
                [](std::byte* small, const std::byte* large, std::size_t size) {
                  std::memcpy(small, large, size);
                });
}

}  // namespace headrace::cpu
