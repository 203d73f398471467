#pragma once

#include <memory>
#include <string>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/loss_step.h"
#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/gpu/operation.h"
#include "headrace/train/graph.h"

namespace headrace::gpu {

using cpu::FusedEnd;
using cpu::ParameterArena;

// A graph as operations over tensors, in the order of its forward pass. What does not lead to the
// output is left out, as is the backward pass of what no parameter needs; a fused end belongs to
// the loss.
struct Program {
  // What a batch field is turned into before the forward pass: its type, and how far apart pixels
  // lie (beyond their channels: zeros).
  struct Input {
    std::string field;
    Shape shape;
    View view;
    std::int64_t channels = 0;  // of the field
    std::int64_t pitch = 0;     // of the view
  };
  struct Step {
    std::unique_ptr<Operation> operation;
    bool has_backward = false;
    Graph::LayerId layer = -1;  // whose gradients it makes, if it has any
  };
  std::vector<Step> steps;
  std::vector<Input> inputs;
  std::vector<std::size_t> row_bytes;  // of each tensor
  std::size_t state = 0;               // floats that operations keep
  View logits;                         // f32
  View logits_gradient;                // none: nothing to train
  Shape output;
  FusedEnd end = FusedEnd::none;
};

// Throws Error{unsupported} naming the layer for those that there is no operation for.
Program make_program(const Graph& graph, const ParameterArena& arena, bool training, FusedEnd end,
                     Precision precision);

// A part of the way back: the steps [first, last), backwards. After it the arena's gradients before
// `final` are.
struct BackwardPart {
  std::size_t first = 0, last = 0;
  std::size_t final = 0;
};
// The way back in parts of which each, but for the last, makes `least` more gradients final.
std::vector<BackwardPart> backward_parts(const Program& program, const ParameterArena& arena,
                                         std::size_t least);

// Where each tensor lies, for that many rows: tensors that are not needed at the same time share
// memory.
struct MemoryPlan {
  std::vector<std::size_t> offsets;  // multiples of 256
  std::size_t bytes = 0;
};
MemoryPlan plan_memory(const Program& program, std::int64_t rows, bool training);

}  // namespace headrace::gpu
