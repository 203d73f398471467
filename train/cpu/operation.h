#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "headrace/train/cpu/tensor_table.h"
#include "headrace/train/layers/dropout_mask.h"

namespace headrace::cpu {

// One block of rows on its way through a plan's operations, on one thread.
struct Block {
  std::int64_t rows = 0;
  std::int64_t global_row = 0;  // of its first row
  bool training = false;        // dropout drops
  DropoutStep dropout;
  const float* parameters = nullptr;
  float* gradients = nullptr;  // of the parameters; operations add to them
  float* const* tensors = nullptr;
  std::byte* scratch = nullptr;  // for one call

  float* tensor(TensorId id) const { return tensors[id]; }
  std::uint8_t* bytes(TensorId id) const { return reinterpret_cast<std::uint8_t*>(tensors[id]); }
};

// What a plan does: a node of the graph, or several fused into one. Rows do not depend on each
// other. Calls for different blocks may run at the same time; compile() and prepare() may not.
class Operation {
 public:
  virtual ~Operation() = default;

  virtual void forward(const Block& block) const = 0;
  // Makes the input's gradient (where one is asked for) from the output's, which it may overwrite,
  // and adds to the parameters'.
  virtual void backward(const Block& block) const = 0;

  // Called before blocks of that many rows are run.
  virtual void compile(std::int64_t /*rows*/) {}
  // Called after compile(rows) whenever parameters may have changed.
  virtual void prepare(std::int64_t /*rows*/, const float* /*parameters*/) {}
  virtual std::size_t scratch_bytes(std::int64_t /*rows*/) const { return 0; }
  virtual std::size_t memory_bytes() const { return 0; }

  // Tensors that each pass reads or writes; no_tensor entries are ignored.
  virtual std::vector<TensorId> forward_tensors() const = 0;
  virtual std::vector<TensorId> backward_tensors() const = 0;
};

}  // namespace headrace::cpu
