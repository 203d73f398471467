#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headrace::cpu {

using TensorId = std::int32_t;
constexpr TensorId no_tensor = -1;

enum class Type : std::uint8_t { f32, bf16, u8 };
constexpr std::size_t size_of(Type type) {
  return type == Type::f32 ? 4 : type == Type::bf16 ? 2 : 1;
}

// Where a value lies in a tensor: groups of adjacent elements (the channels of a pixel), `stride`
// from one group to the next, over all rows. A part of a concatenated tensor is such a view.
struct View {
  TensorId tensor = no_tensor;
  Type type = Type::f32;
  std::int64_t offset = 0;  // of the first group, in elements
  std::int64_t stride = 0;

  View() = default;
  View(TensorId in, Type of = Type::f32, std::int64_t first = 0, std::int64_t distance = 0)
      : tensor(in), type(of), offset(first), stride(distance) {}

  explicit operator bool() const { return tensor != no_tensor; }
  View part(std::int64_t first) const { return {tensor, type, offset + first, stride}; }
};

// The tensors of a plan besides its parameters: activations, their gradients, what operations keep
// for their backward pass.
class TensorTable {
 public:
  TensorId add(std::size_t row_bytes) {
    row_bytes_.push_back(row_bytes);
    return static_cast<TensorId>(row_bytes_.size() - 1);
  }
  // A tensor that lies in the caller's memory.
  TensorId add_external() { return add(0); }

  std::size_t size() const { return row_bytes_.size(); }
  std::size_t row_bytes(TensorId tensor) const {
    return row_bytes_[static_cast<std::size_t>(tensor)];
  }
  bool is_external(TensorId tensor) const { return row_bytes(tensor) == 0; }

 private:
  std::vector<std::size_t> row_bytes_;
};

// Something that needs memory from time `first` to time `last`.
struct Lifetime {
  std::size_t bytes = 0;
  int first = 0;
  int last = 0;
  std::size_t offset = 0;
};

// Gives each its offset, a multiple of 64; what does not live at the same time shares memory.
// Returns the bytes needed.
std::size_t place(std::vector<Lifetime>& lifetimes);

}  // namespace headrace::cpu
