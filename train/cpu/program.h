#pragma once

#include <memory>
#include <string>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/loss_step.h"
#include "headrace/train/cpu/operation.h"
#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/cpu/tensor_table.h"
#include "headrace/train/graph.h"

namespace headrace::cpu {

// Operations within which rows are independent: a block of rows goes depth-first through all of
// them before the next one starts. Between segments all slices are waited for, and the reductions
// are finished.
struct Segment {
  std::vector<Operation*> forward;
  // Backward goes through these first: what they make was not kept.
  std::vector<const Operation*> recompute;
  std::vector<const Operation*> backward;
  std::vector<Reduction*> after_forward;
  std::vector<Reduction*> after_backward;

  struct Local {
    TensorId tensor;
    std::size_t offset;  // in the memory of a block
  };
  std::vector<Local> locals;        // tensors that no other segment sees
  std::vector<TensorId> kept;       // others that it uses
  std::vector<TensorId> externals;  // inputs that it uses
  std::int64_t block_rows = 1;
  std::size_t block_bytes = 0;      // for that many
  std::size_t final_gradients = 0;  // after its backward pass the arena up to here is final
};

// A graph as operations over tensors. What does not lead to the output is left out, as is the
// backward pass of what no parameter needs; a fused end belongs to the loss.
// The forward pass goes through the segments in their order, the backward pass back; in the last
// segment each block goes forward, through the loss, and backward at once.
struct Program {
  struct Input {
    TensorId tensor = no_tensor;  // f32, in the caller's memory
    std::string field;
    Shape shape;
  };
  // Values and gradients that come from other parts of the model, and go to them: f32, plain, in
  // memory of its own.
  struct Link {
    TensorId tensor = no_tensor;  // none: nobody writes or reads it
    std::int64_t elements = 0;    // of a row
  };
  std::vector<std::unique_ptr<Operation>> operations;
  std::vector<Segment> segments;
  std::vector<Input> inputs;
  // Of each of ProgramEnds::inputs its values and their gradients; then of each of the outputs its
  // values, and their gradients by each reader.
  std::vector<Link> links;
  TensorTable tensors;
  std::vector<std::size_t> kept_offsets;  // of each tensor that lives from segment to segment
  std::size_t kept_bytes = 0;             // for the rows of a slice
  View logits;                            // f32; none: values go to other parts only
  View logits_gradient;                   // none: nothing to train
  Shape output;
  FusedEnd end = FusedEnd::none;

  bool has_reductions() const;
};

// What of a graph belongs to a program, and how it is tied to other parts of the model.
struct ProgramEnds {
  struct Input {
    Graph::NodeId node = -1;
    bool needs_gradient = false;
  };
  struct Output {
    Graph::NodeId node = -1;
    std::size_t readers = 0;  // that give gradients
  };
  std::vector<Input> inputs;  // that other parts make
  std::vector<Output> outputs;
  bool has_output = true;             // of the model: what the graph ends in
  std::vector<Graph::NodeId> origin;  // each node's number in the whole model; empty: its own
};

// Makes the program of a graph for slices of up to `slice_rows` rows.
// Throws Error{unsupported} for layers this backend does not have.
Program make_program(const Graph& graph, const ParameterArena& arena, std::int64_t slice_rows,
                     bool training, FusedEnd end, Precision precision = Precision::f32,
                     const ProgramEnds& ends = {});

}  // namespace headrace::cpu
