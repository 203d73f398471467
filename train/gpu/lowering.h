#pragma once

#include <optional>
#include <vector>

#include "headrace/train/gpu/program.h"
#include "headrace/train/gpu/value_operations.h"

namespace headrace::gpu {

// A graph on its way to a program. Layers are lowered by families; Flatten, Reshape and what else
// moves nothing is seen through.
class Lowering {
 public:
  using NodeId = Graph::NodeId;

  // What is known of a node's value.
  struct Value {
    View value;
    // What readers make of its gradient: each writes one of these, and the gradient is their sum.
    std::vector<View> gradients;
    std::size_t given = 0;  // of them, to readers
    bool is_made = false;   // an operation that makes it has been added
  };
  // A value for an operation to read, and where that writes the gradient.
  struct Read {
    View x;
    View dx;
  };

  Lowering(const Graph& graph, const ParameterArena& arena, bool training, Precision precision);
  Program run(FusedEnd fused);

  bool training() const { return training_; }
  Type type() const { return type_; }  // of images
  // Multiples of which channels are best.
  std::int64_t channel_grain() const { return channel_grain_; }
  const Graph::Node& node(NodeId id) const { return graph_.nodes()[static_cast<std::size_t>(id)]; }
  // The layer of a node, if it is of that kind.
  template <class Kind>
  const Kind* layer(NodeId id) const {
    if (id < 0 || node(id).layer < 0) return nullptr;
    return dynamic_cast<const Kind*>(
        graph_.layers()[static_cast<std::size_t>(node(id).layer)].layer.get());
  }
  std::size_t place(NodeId id, std::size_t parameter) const {
    return arena_.place(node(id).layer, parameter);
  }
  bool is(NodeId id, ActivationKind kind) const;
  bool is_input(NodeId id) const { return node(id).layer < 0; }
  bool is_shared(NodeId id) const;  // whether its layer is used several times
  // The input's node, past nodes that move nothing, and its shape as the layer sees it.
  NodeId input(NodeId id, std::size_t which = 0) const { return source(node(id).inputs[which]); }
  const Shape& input_shape(NodeId id, std::size_t which = 0) const {
    return node(node(id).inputs[which]).shape;
  }
  NodeId only_reader(NodeId id) const;  // -1: the loss, or several
  // The relu that is all that is done with a node's value.
  std::optional<NodeId> fused_relu(NodeId id) const;
  // Whether all that is done with a node's value is batch normalisation, which takes away what is
  // added to a whole channel.
  bool is_normalized_away(NodeId id) const;
  // The bias of the layer before a batch normalisation, if it was left out for it; in the arena.
  std::optional<std::size_t> bias_left_out(NodeId normalization) const;
  bool needs_gradient(NodeId id) const { return needs_[static_cast<std::size_t>(id)]; }
  const Value& value(NodeId id) const { return values_[static_cast<std::size_t>(id)]; }
  // The type that a value has, or will be read in if it is the model's input.
  Type type_of(NodeId id) const { return is_input(id) ? input_type(id) : value(id).value.type; }

  View add_tensor(const Shape& shape, Type type);
  StatePlace add_state(std::size_t floats);
  Read read_as(NodeId id, Type type);
  Read read(NodeId id) { return read_as(id, type_of(id)); }
  // The model's input, its pixels so far apart.
  View read_input(NodeId id, Type type, std::int64_t pitch);
  View gradient_to(NodeId id);
  // The place of a new value; inside a concatenation if that is all that reads it and the operation
  // can write there.
  Value& make_value(NodeId id, bool can_stride, Type type);
  // Says that another node's operation does this node's work.
  void skip(NodeId id) { at(id).is_made = true; }
  // The gradient of a value as one plain tensor; call it before adding the operation that makes the
  // value, which then finds it added up.
  View whole_gradient(NodeId id);
  void add(std::unique_ptr<Operation> operation, bool has_backward);

 private:
  NodeId source(NodeId id) const { return sources_[static_cast<std::size_t>(id)]; }
  Type input_type(NodeId id) const { return node(id).shape.rank() == 3 ? type_ : Type::f32; }
  void look_through();
  void find_readers(NodeId output);
  void find_needs();
  void lower(NodeId id);
  Value& at(NodeId id) { return values_[static_cast<std::size_t>(id)]; }
  void fill(Value& made, NodeId id, bool can_stride, Type type);
  bool fill_in_concatenation(Value& made, NodeId id, Type type);

  const Graph& graph_;
  const ParameterArena& arena_;
  bool training_;
  Type type_;
  std::int64_t channel_grain_;
  std::vector<NodeId> sources_;
  std::vector<std::vector<NodeId>> readers_;  // of live nodes; the loss is reader -1
  std::vector<bool> needs_;
  std::vector<Value> values_;
  std::vector<std::unique_ptr<Operation>> pending_;  // of whole_gradient()
  Graph::LayerId layer_ = -1;                        // that is being lowered
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

}  // namespace headrace::gpu
