#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/augment/axis.h"

namespace headrace {

// The taps of every output of an axis, in memory of the caller's.
struct AxisTable {
  int outputs = 0;
  int stride = 0;  // weights of one output: its taps, then zeros
  std::int32_t* first = nullptr;
  std::int32_t* count = nullptr;
  std::int32_t* constant_weight = nullptr;
  std::int16_t* weights = nullptr;

  const std::int16_t* weights_of(int i) const {
    return weights + static_cast<std::size_t>(i) * static_cast<std::size_t>(stride);
  }
};

// Weights are padded to a multiple of `group`.
std::size_t table_bytes(const Axis& axis, int group);
AxisTable make_table(const Axis& axis, int group, std::byte* memory);

// Memory of one rendering, handed out in pieces of 64-byte alignment: reserve all, then allocate.
class ScratchLayout {
 public:
  std::size_t reserve(std::size_t bytes) {
    const std::size_t offset = size_;
    size_ += (bytes + alignment - 1) / alignment * alignment;
    return offset;
  }
  std::size_t size() const { return size_ + alignment; }
  // The start of the first piece, within memory of size() bytes.
  static std::byte* align(std::byte* memory) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    return memory + (alignment - address % alignment) % alignment;
  }

 private:
  static constexpr std::size_t alignment = 64;
  std::size_t size_ = 0;
};

}  // namespace headrace
