#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headrace::cpu {

using TensorId = std::int32_t;
constexpr TensorId no_tensor = -1;

// The tensors of a plan besides its parameters: activations, their gradients, what operations keep
// for their backward pass. Each lives from its first to its last use; tensors that do not live at
// the same time share memory.
class TensorTable {
 public:
  // A tensor of `row_bytes` for each row.
  TensorId add(std::size_t row_bytes);
  // A tensor that lies in the caller's memory.
  TensorId add_external() { return add(0); }
  // Says that the step at `time` reads or writes it.
  void use(TensorId tensor, int time);

  // Gives every tensor its place, for blocks of up to `rows` rows; returns the bytes needed.
  // Places are multiples of 64 bytes.
  std::size_t place(std::int64_t rows);
  std::size_t offset(TensorId tensor) const { return at(tensor).offset; }
  bool is_external(TensorId tensor) const { return at(tensor).row_bytes == 0; }
  std::size_t size() const { return tensors_.size(); }

 private:
  struct Tensor {
    std::size_t row_bytes = 0;
    int first = -1;
    int last = -1;
    std::size_t bytes = 0;
    std::size_t offset = 0;

    bool lives_with(const Tensor& other) const {
      return first <= other.last && other.first <= last;
    }
  };
  const Tensor& at(TensorId tensor) const { return tensors_[static_cast<std::size_t>(tensor)]; }

  std::vector<Tensor> tensors_;
};

}  // namespace headrace::cpu
