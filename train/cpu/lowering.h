#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "headrace/train/cpu/copy_operation.h"
#include "headrace/train/cpu/program.h"
#include "headrace/train/layers/activation.h"

namespace headrace::cpu {

// An operation on its way into a segment.
struct Placed {
  Operation* operation = nullptr;
  int level = 0;  // of the segment
  bool has_backward = false;
  bool sinks = false;   // into the segment that first reads its results
  bool is_end = false;  // gives a value to other parts: nothing sinks to it
  Reduction* after_forward = nullptr;
  Reduction* after_backward = nullptr;
  Graph::LayerId layer = -1;  // whose parameters get gradients from it
};

// Sorts operations into segments, and plans their memory: tensors that one segment alone uses are
// as large as a block, which is chosen to stay in a core's cache; others as large as a slice.
void plan_segments(const std::vector<Placed>& placed, const ParameterArena& arena,
                   std::int64_t slice_rows, bool training, Program& program);

// A graph on its way to a program. Layers are lowered by families, one file each; Flatten, Reshape
// and what else moves nothing is seen through.
class Lowering {
 public:
  using NodeId = Graph::NodeId;

  // What is known of a node's value.
  struct Value {
    View value;
    // What readers make of its gradient: each writes one of these, and the gradient is their sum.
    std::vector<View> gradients;
    std::size_t given = 0;  // of them, to readers
    int level = 0;          // of the segment that makes it
    bool is_made = false;   // an operation that makes it has been added
    // Of convolutions and activations that a pool reads: not 0, channels are in such blocks.
    std::int64_t channel_block = 0;
    bool reader_does_relu_backward = false;
  };

  Lowering(const Graph& graph, const ParameterArena& arena, bool training, Precision precision,
           const ProgramEnds& ends);
  Program run(std::int64_t slice_rows, FusedEnd fused);

  const ParameterArena& arena() const { return arena_; }
  bool training() const { return training_; }
  Type type() const { return type_; }  // of activations
  // Its number in the whole model.
  NodeId origin(NodeId id) const {
    return ends_.origin.empty() ? id : ends_.origin[static_cast<std::size_t>(id)];
  }
  const Graph::Node& node(NodeId id) const { return graph_.nodes()[static_cast<std::size_t>(id)]; }
  // The layer of a node, if it is of that kind.
  template <class Kind>
  const Kind* layer(NodeId id) const {
    if (id < 0 || node(id).layer < 0) return nullptr;
    return dynamic_cast<const Kind*>(
        graph_.layers()[static_cast<std::size_t>(node(id).layer)].layer.get());
  }
  bool is(NodeId id, ActivationKind kind) const;
  // The node that makes the value, past nodes that move nothing.
  NodeId source(NodeId id) const;
  NodeId input(NodeId id, std::size_t which = 0) const { return source(node(id).inputs[which]); }
  // The input as the layer sees it.
  const Shape& input_shape(NodeId id, std::size_t which = 0) const {
    return node(node(id).inputs[which]).shape;
  }
  NodeId only_reader(NodeId id) const;  // -1: several, or what is no node
  // Whether other nodes have its layer, and so its parameters.
  bool is_shared(NodeId id) const;
  // The relu that is all that is done with a node's value.
  std::optional<NodeId> fused_relu(NodeId id) const;
  // Whether all that reads the node's value is batch normalisation, which takes away what has been
  // added to a channel: such a bias has no gradient but rounding.
  bool is_normalized_away(NodeId id) const;
  bool needs_gradient(NodeId id) const { return needs_[static_cast<std::size_t>(id)]; }

  const Value& value(NodeId id) const { return values_[static_cast<std::size_t>(id)]; }
  // A tensor of a row's elements.
  View add_tensor(const Shape& shape, Type type);
  // A value for an operation that reads that type, and where it writes the gradient.
  struct Read {
    View x;
    View dx;
  };
  Read read_as(NodeId id, Type type);
  Read read(NodeId id) { return read_as(id, value(id).value.type); }
  // Where a reader of the value writes its gradient; none if nobody needs it.
  View gradient_to(NodeId id);
  // The place of a new value, in the plan's type unless another is asked for; inside a
  // concatenation if that is all that reads it and the operation can write there.
  Value& make_value(NodeId id, bool can_stride, std::optional<Type> type = {});
  // Says that another node's operation does this node's work.
  void skip(NodeId id) { at(id).is_made = true; }
  // The gradient of a value as one plain tensor; call it before adding the operation that makes the
  // value, which then finds it added up.
  View whole_gradient(NodeId id);

  void add(std::unique_ptr<Operation> operation, Placed how);
  // In the segment that makes the node's value.
  void add(std::unique_ptr<Operation> operation, NodeId id);
  int level_after_inputs(NodeId id) const;

 private:
  void look_through();
  NodeId logits_node(FusedEnd fused);
  void find_readers(NodeId logits);
  void find_needs();
  void lower(NodeId id);
  void lower_input(NodeId id);
  void lower_link(NodeId id, const ProgramEnds::Input& end);
  void lower_outputs();
  View add_link(NodeId id, bool is_used);
  Value& at(NodeId id) { return values_[static_cast<std::size_t>(id)]; }
  void fill(Value& made, NodeId id, bool can_stride, Type type);

  const Graph& graph_;
  const ParameterArena& arena_;
  const ProgramEnds& ends_;
  bool training_;
  Type type_;
  std::vector<NodeId> sources_;
  std::vector<std::vector<NodeId>> readers_;  // of live nodes; -1: the loss, or other parts
  std::vector<bool> needs_;
  std::vector<Value> values_;
  std::vector<Placed> placed_;
  std::vector<std::unique_ptr<CopyOperation>> pending_;  // of whole_gradient()
  Program program_;
};

// Each lowers a node of its family; false if it is of another.
bool lower_convolution(Lowering& lowering, Graph::NodeId id);
bool lower_normalization(Lowering& lowering, Graph::NodeId id);
bool lower_joins(Lowering& lowering, Graph::NodeId id);
bool lower_dense(Lowering& lowering, Graph::NodeId id);
bool lower_lstm(Lowering& lowering, Graph::NodeId id);
bool lower_padding(Lowering& lowering, Graph::NodeId id);
bool lower_pooling(Lowering& lowering, Graph::NodeId id);
bool lower_rowwise(Lowering& lowering, Graph::NodeId id);

}  // namespace headrace::cpu
