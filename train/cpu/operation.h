#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "headrace/train/cpu/profile.h"
#include "headrace/train/cpu/tensor_table.h"
#include "headrace/train/layers/dropout_mask.h"

namespace headrace::cpu {

// One block of rows on its way through a plan's operations, on one thread.
struct Block {
  std::int64_t rows = 0;
  std::int64_t first_row = 0;   // of the step's rows
  std::int64_t global_row = 0;  // of its first row, over all replicas
  int slice = 0;                // that it belongs to
  bool training = false;        // dropout drops, statistics are those of the batch
  DropoutStep dropout;
  const float* parameters = nullptr;
  float* gradients = nullptr;  // of the parameters; operations add to them
  bool is_first = false;       // of its slice in this pass
  std::byte* const* tensors = nullptr;
  std::byte* scratch = nullptr;  // for one call

  template <class T = float>
  T* data(const View& view) const {
    return reinterpret_cast<T*>(tensors[view.tensor]) + view.offset;
  }
};

// What a plan does: a node of the graph, several fused into one, or half of one. Rows do not depend
// on each other. Calls for different blocks may run at the same time; compile() may not, prepare()
// only for different operations.
class Operation {
 public:
  virtual ~Operation() = default;

  virtual void forward(const Block& block) const = 0;
  // Makes the input's gradient (where one is asked for) from the output's, which it may overwrite,
  // and adds to the parameters'.
  virtual void backward(const Block& block) const = 0;

  virtual OperationKind kind() const = 0;
  // Multiplications, each with an addition, that a row takes in each pass; 0: few.
  struct Work {
    std::int64_t forward = 0;
    std::int64_t backward = 0;
  };
  virtual Work work() const { return {}; }

  // Called before blocks of that many rows are run.
  virtual void compile(std::int64_t /*rows*/) {}
  // Called after compile() whenever parameters may have changed.
  virtual void prepare(const float* /*parameters*/) {}
  // Fewer rows in a block would make it slow.
  virtual std::int64_t least_rows() const { return 1; }
  virtual std::size_t scratch_bytes(std::int64_t /*rows*/) const { return 0; }
  virtual std::size_t memory_bytes() const { return 0; }

  // Tensors that each pass reads or writes; no_tensor entries are ignored.
  virtual std::vector<TensorId> forward_tensors() const = 0;
  virtual std::vector<TensorId> backward_tensors() const = 0;
  // Those that forward() writes.
  virtual std::vector<TensorId> results() const = 0;
  // Places in the arena of gradients that nobody else makes: backward() writes them for a slice's
  // first block, and adds to them for the others. What it does not name is zero before.
  struct Range {
    std::size_t first = 0;
    std::size_t last = 0;
  };
  virtual std::vector<Range> written_gradients() const { return {}; }
  // Whether it is cheaper to call forward() once more than to keep what it writes.
  virtual bool is_recomputable() const { return false; }
};

// What a Reduction works with.
struct Join {
  const float* parameters = nullptr;
  float* gradients = nullptr;
  std::int64_t rows = 0;  // of the batch, on this replica
  // Empty, or adds up over replicas.
  const std::function<void(std::span<float>)>* all_reduce = nullptr;
};

// What depends on all rows of a batch: half an operation adds up each slice's part, then, on one
// thread while no block is under way, finish() adds up the slices in their order.
class Reduction {
 public:
  virtual ~Reduction() = default;
  // Begins a pass over a batch of that many slices.
  virtual void begin(int slices) = 0;
  virtual void finish(const Join& join) = 0;
  // Called when the step is taken: parameters that change without a gradient.
  virtual void update(float* /*parameters*/) {}
};

}  // namespace headrace::cpu
