#include "headrace/train/cpu/program.h"

#include <algorithm>
#include <optional>

#include "headrace/pipeline/error.h"
#include "headrace/train/cpu/activation_operation.h"
#include "headrace/train/cpu/conv_operation.h"
#include "headrace/train/cpu/dense_operation.h"
#include "headrace/train/cpu/max_pool_operation.h"
#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/max_pooling2d.h"

namespace headrace::cpu {
namespace {

using NodeId = Graph::NodeId;

// A block's activations should stay in one core's cache, but be large against the parameters, whose
// gradients are passed over once a block.
constexpr std::size_t cache_bytes = std::size_t{1} << 20;
constexpr std::int64_t least_block_rows = 8;

// What is known of a node's value while a graph is turned into a program.
struct Value {
  TensorId value = no_tensor;
  TensorId gradient = no_tensor;   // no_tensor: nobody needs it
  std::int64_t channel_block = 0;  // not 0: not plain, in such blocks
  bool is_relu = false;
  bool reader_does_relu_backward = false;
};

class Lowering {
 public:
  Lowering(const Graph& graph, const ParameterArena& arena, std::int64_t slice_rows, bool training)
      : graph_(graph),
        arena_(arena),
        slice_rows_(slice_rows),
        training_(training),
        values_(graph.nodes().size()),
        readers_(graph.nodes().size()) {}

  Program run();

 private:
  const Graph::Node& node(NodeId id) const { return graph_.nodes()[static_cast<std::size_t>(id)]; }
  Value& value(NodeId id) { return values_[static_cast<std::size_t>(id)]; }
  template <class Kind>
  const Kind* layer(NodeId id) const {
    if (id < 0 || node(id).layer < 0) return nullptr;
    return dynamic_cast<const Kind*>(
        graph_.layers()[static_cast<std::size_t>(node(id).layer)].layer.get());
  }
  bool is(NodeId id, ActivationKind kind) const {
    const auto* activation = layer<Activation>(id);
    return activation != nullptr && activation->function() == kind;
  }

  void find_readers(NodeId output);
  NodeId only_reader(NodeId id) const;
  TensorId add_tensor(const Shape& shape, std::size_t element_bytes = sizeof(float)) {
    return program_.tensors.add(static_cast<std::size_t>(shape.elements()) * element_bytes);
  }
  void add(std::unique_ptr<Operation> operation, bool has_backward);
  Value make_value(NodeId id, bool needs_gradient);
  std::optional<NodeId> fused_relu(NodeId id) const;
  bool needs_gradient(NodeId id);

  void lower(NodeId id);
  void lower_conv(NodeId id, const Conv2D& layer);
  void lower_dense(NodeId id, const Dense& layer);
  void lower_max_pool(NodeId id, const MaxPooling2D& layer);
  void lower_rowwise(NodeId id);
  void set_lifetimes();
  void choose_block_rows();

  const Graph& graph_;
  const ParameterArena& arena_;
  std::int64_t slice_rows_;
  bool training_;
  std::vector<Value> values_;
  std::vector<std::vector<NodeId>> readers_;  // of live nodes; the loss is reader -1
  Program program_;
};

void Lowering::find_readers(NodeId output) {
  readers_[static_cast<std::size_t>(output)].push_back(-1);
  for (NodeId id = output; id >= 0; --id) {
    if (readers_[static_cast<std::size_t>(id)].empty()) continue;
    for (NodeId input : node(id).inputs) readers_[static_cast<std::size_t>(input)].push_back(id);
  }
}

NodeId Lowering::only_reader(NodeId id) const {
  const auto& readers = readers_[static_cast<std::size_t>(id)];
  return readers.size() == 1 ? readers.front() : -1;
}

void Lowering::add(std::unique_ptr<Operation> operation, bool has_backward) {
  if (training_ && has_backward) program_.backward.push_back(operation.get());
  program_.operations.push_back(std::move(operation));
}

Value Lowering::make_value(NodeId id, bool needs_gradient) {
  Value made;
  made.value = add_tensor(node(id).shape);
  if (training_ && needs_gradient) made.gradient = add_tensor(node(id).shape);
  return made;
}

// The relu that is all that is done with a node's value.
std::optional<NodeId> Lowering::fused_relu(NodeId id) const {
  const NodeId reader = only_reader(id);
  if (is(reader, ActivationKind::relu)) return reader;
  return std::nullopt;
}

bool Lowering::needs_gradient(NodeId id) { return value(id).gradient != no_tensor; }

void Lowering::lower_conv(NodeId id, const Conv2D& layer) {
  const NodeId input = node(id).inputs[0];
  const std::optional<NodeId> relu = fused_relu(id);
  const NodeId last = relu.value_or(id);
  const bool pooled = this->layer<MaxPooling2D>(only_reader(last)) != nullptr;

  Value made = make_value(last, true);
  made.is_relu = relu.has_value();
  made.reader_does_relu_backward = made.is_relu && pooled;
  ConvSpec spec;
  spec.window = layer.window();
  spec.use_bias = layer.use_bias();
  spec.input = node(input).shape;
  spec.output = node(id).shape;
  spec.relu = made.is_relu;
  spec.relu_backward = made.is_relu && !pooled;
  spec.training = training_;
  spec.x = value(input).value;
  spec.dx = value(input).gradient;
  spec.y = made.value;
  spec.dy = made.gradient;
  spec.kernel = arena_.place(node(id).layer, 0);
  spec.bias = layer.use_bias() ? arena_.place(node(id).layer, 1) : 0;
  auto operation = std::make_unique<ConvOperation>(spec);
  if (pooled) made.channel_block = operation->choose_channel_block(least_block_rows);
  add(std::move(operation), true);
  value(last) = made;
}

void Lowering::lower_dense(NodeId id, const Dense& layer) {
  const NodeId input = node(id).inputs[0];
  const std::optional<NodeId> relu = fused_relu(id);
  const NodeId last = relu.value_or(id);

  Value made = make_value(last, true);
  made.is_relu = relu.has_value();
  DenseSpec spec;
  spec.inputs = node(input).shape[0];
  spec.units = layer.units();
  spec.use_bias = layer.use_bias();
  spec.relu = made.is_relu;
  spec.relu_backward = made.is_relu;
  spec.x = value(input).value;
  spec.dx = value(input).gradient;
  spec.y = made.value;
  spec.dy = made.gradient;
  spec.kernel = arena_.place(node(id).layer, 0);
  spec.bias = layer.use_bias() ? arena_.place(node(id).layer, 1) : 0;
  add(std::make_unique<DenseOperation>(spec), true);
  value(last) = made;
}

void Lowering::lower_max_pool(NodeId id, const MaxPooling2D& layer) {
  const NodeId input = node(id).inputs[0];
  const Value& read = value(input);
  const Value made = make_value(id, needs_gradient(input));
  MaxPoolSpec spec;
  spec.window = layer.window();
  spec.input = node(input).shape;
  spec.output = node(id).shape;
  spec.channel_block = read.channel_block > 0 ? read.channel_block : spec.input[2];
  spec.relu_backward = read.reader_does_relu_backward;
  spec.x = read.value;
  spec.dx = read.gradient;
  spec.y = made.value;
  spec.dy = made.gradient;
  spec.winners = add_tensor(spec.output, 1);
  add(std::make_unique<MaxPoolOperation>(spec), needs_gradient(input));
  value(id) = made;
}

void Lowering::lower_rowwise(NodeId id) {
  const NodeId input = node(id).inputs[0];
  const bool backward = needs_gradient(input);
  Value made = make_value(id, backward);
  const Shape& shape = node(id).shape;
  const RowwiseSpec spec{shape.elements(), value(input).value, made.value, value(input).gradient,
                         made.gradient};
  if (const auto* dropout = layer<Dropout>(id)) {
    add(std::make_unique<DropoutOperation>(spec, add_tensor(shape), id, dropout->rate()), backward);
  } else if (is(id, ActivationKind::softmax)) {
    add(std::make_unique<SoftmaxOperation>(spec, shape[shape.rank() - 1]), backward);
  } else {
    made.is_relu = true;
    made.reader_does_relu_backward = layer<MaxPooling2D>(only_reader(id)) != nullptr;
    add(std::make_unique<ReluOperation>(spec, !made.reader_does_relu_backward), backward);
  }
  value(id) = made;
}

void Lowering::lower(NodeId id) {
  if (node(id).layer < 0) {
    value(id).value = program_.tensors.add_external();
    program_.inputs.push_back({value(id).value, node(id).input_name, node(id).shape});
  } else if (value(id).value != no_tensor) {
    return;  // a relu that its input's operation has taken in
  } else if (const auto* conv = layer<Conv2D>(id)) {
    lower_conv(id, *conv);
  } else if (const auto* dense = layer<Dense>(id)) {
    lower_dense(id, *dense);
  } else if (const auto* pool = layer<MaxPooling2D>(id)) {
    lower_max_pool(id, *pool);
  } else if (layer<Flatten>(id) != nullptr) {
    value(id) = value(node(id).inputs[0]);
  } else if (layer<Activation>(id) != nullptr || layer<Dropout>(id) != nullptr) {
    lower_rowwise(id);
  } else {
    const auto& entry = graph_.layers()[static_cast<std::size_t>(node(id).layer)];
    throw Error(ErrorCode::unsupported,
                entry.name + ": the CPU backend has no layer " + std::string(entry.layer->kind()));
  }
}

// Forward steps come first, then the loss, then the backward steps.
void Lowering::set_lifetimes() {
  int time = 0;
  TensorTable& tensors = program_.tensors;
  for (const auto& operation : program_.operations) {
    for (TensorId tensor : operation->forward_tensors()) tensors.use(tensor, time);
    ++time;
  }
  tensors.use(program_.logits, time);
  tensors.use(program_.logits_gradient, time);
  for (const Operation* operation : program_.backward) {
    ++time;
    for (TensorId tensor : operation->backward_tensors()) tensors.use(tensor, time);
  }
}

void Lowering::choose_block_rows() {
  const std::size_t row_bytes = std::max<std::size_t>(program_.tensors.place(1), 1);
  const std::size_t wanted = std::max(cache_bytes, 4 * arena_.size() * sizeof(float));
  const auto rows = static_cast<std::int64_t>(wanted / row_bytes);
  program_.block_rows = std::min(std::max(rows, least_block_rows), slice_rows_);
  program_.block_bytes = program_.tensors.place(program_.block_rows);
}

Program Lowering::run() {
  NodeId output = graph_.output();
  program_.output = node(output).shape;
  find_readers(output);
  program_.ends_in_softmax = is(output, ActivationKind::softmax) && node(output).shape.rank() == 1;
  const NodeId logits = program_.ends_in_softmax ? node(output).inputs[0] : output;
  for (NodeId id = 0; id <= logits; ++id) {
    if (!readers_[static_cast<std::size_t>(id)].empty()) lower(id);
  }
  program_.logits = value(logits).value;
  program_.logits_gradient = value(logits).gradient;
  std::reverse(program_.backward.begin(), program_.backward.end());
  set_lifetimes();
  choose_block_rows();
  return std::move(program_);
}

}  // namespace

Program make_program(const Graph& graph, const ParameterArena& arena, std::int64_t slice_rows,
                     bool training) {
  return Lowering(graph, arena, slice_rows, training).run();
}

}  // namespace headrace::cpu
