#pragma once

#include <memory>
#include <string>
#include <vector>

#include "headrace/train/cpu/operation.h"
#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/cpu/tensor_table.h"
#include "headrace/train/graph.h"

namespace headrace::cpu {

// A graph as a list of operations over tensors. What does not lead to the output is left out, as
// is the backward pass of what no parameter needs; a last softmax belongs to the loss.
struct Program {
  struct Input {
    TensorId tensor = no_tensor;  // in the caller's memory
    std::string field;
    Shape shape;
  };
  // One run of operations whose rows are independent: a block goes through all of them, forward
  // and backward, before the next one starts.
  std::vector<std::unique_ptr<Operation>> operations;
  std::vector<const Operation*> backward;  // in the order of the backward pass
  std::vector<Input> inputs;
  TensorTable tensors;
  TensorId logits = no_tensor;
  TensorId logits_gradient = no_tensor;  // no_tensor: nothing to train
  Shape output;
  bool ends_in_softmax = false;
  std::int64_t block_rows = 1;  // rows that go through it together
  std::size_t block_bytes = 0;  // for that many
};

// Makes the program of a graph for slices of up to `slice_rows` rows.
// Throws Error{unsupported} for layers this backend does not have.
Program make_program(const Graph& graph, const ParameterArena& arena, std::int64_t slice_rows,
                     bool training);

}  // namespace headrace::cpu
