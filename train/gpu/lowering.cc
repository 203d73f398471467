#include "headrace/train/gpu/lowering.h"

#include <algorithm>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/concatenate.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/depthwise_conv2d.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/reshape.h"

namespace headrace::gpu {

Lowering::Lowering(const Graph& graph, const ParameterArena& arena, bool training,
                   Precision precision)
    : graph_(graph),
      arena_(arena),
      training_(training),
      type_(precision == Precision::bf16 ? Type::bf16 : Type::f32),
      channel_grain_(precision == Precision::bf16   ? 8
                     : precision == Precision::tf32 ? 4
                                                    : 1),
      readers_(graph.nodes().size()),
      needs_(graph.nodes().size()),
      values_(graph.nodes().size()) {
  look_through();
}

bool Lowering::is(NodeId id, ActivationKind kind) const {
  const auto* activation = layer<Activation>(id);
  return activation != nullptr && activation->function() == kind;
}

bool Lowering::is_shared(NodeId id) const {
  return std::count_if(graph_.nodes().begin(), graph_.nodes().end(),
                       [&](const Graph::Node& other) { return other.layer == node(id).layer; }) > 1;
}

void Lowering::look_through() {
  for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    const auto* dropout = layer<Dropout>(id);
    const bool moves_nothing = layer<Flatten>(id) != nullptr || layer<Reshape>(id) != nullptr ||
                               is(id, ActivationKind::linear) ||
                               (dropout != nullptr && (!training_ || dropout->rate() == 0));
    sources_.push_back(moves_nothing ? source(node(id).inputs[0]) : id);
  }
}

void Lowering::find_readers(NodeId output) {
  readers_[static_cast<std::size_t>(output)].push_back(-1);
  for (NodeId id = output; id >= 0; --id) {
    if (readers_[static_cast<std::size_t>(id)].empty()) continue;
    for (std::size_t i = 0; i < node(id).inputs.size(); ++i) {
      readers_[static_cast<std::size_t>(input(id, i))].push_back(id);
    }
  }
}

void Lowering::find_needs() {
  for (NodeId id = 0; training_ && id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    if (is_input(id)) continue;
    const auto& parameters = graph_.layers()[static_cast<std::size_t>(node(id).layer)].parameters;
    bool needs = std::any_of(parameters.begin(), parameters.end(),
                             [](const ParameterSpec& spec) { return spec.trainable; });
    for (NodeId input : node(id).inputs) needs = needs || needs_gradient(input);
    needs_[static_cast<std::size_t>(id)] = needs;
  }
}

Graph::NodeId Lowering::only_reader(NodeId id) const {
  const auto& readers = readers_[static_cast<std::size_t>(id)];
  return readers.size() == 1 ? readers.front() : -1;
}

std::optional<Graph::NodeId> Lowering::fused_relu(NodeId id) const {
  const NodeId reader = only_reader(id);
  if (is(reader, ActivationKind::relu) && node(reader).shape == node(id).shape) return reader;
  return std::nullopt;
}

bool Lowering::is_normalized_away(NodeId id) const {
  const NodeId reader = only_reader(id);
  // Not past a Reshape: its channels may be others.
  return layer<BatchNormalization>(reader) != nullptr && node(reader).inputs[0] == id;
}

std::optional<std::size_t> Lowering::bias_left_out(NodeId normalization) const {
  const NodeId before = node(normalization).inputs[0];
  if (!is_normalized_away(before)) return std::nullopt;
  const auto* conv = layer<Conv2D>(before);
  const auto* depthwise = layer<DepthwiseConv2D>(before);
  const bool has_bias =
      conv != nullptr ? conv->use_bias() : depthwise != nullptr && depthwise->use_bias();
  return has_bias ? std::optional(place(before, 1)) : std::nullopt;
}

View Lowering::add_tensor(const Shape& shape, Type type) {
  const std::int64_t width = shape.rank() > 0 ? shape[shape.rank() - 1] : 1;
  program_.row_bytes.push_back(static_cast<std::size_t>(shape.elements()) * size_of(type));
  return {static_cast<TensorId>(program_.row_bytes.size() - 1), type, 0, width};
}

StatePlace Lowering::add_state(std::size_t floats) {
  const StatePlace place = program_.state;
  program_.state += (floats + 63) / 64 * 64;
  return place;
}

bool Lowering::fill_in_concatenation(Value& made, NodeId id, Type type) {
  const NodeId reader = only_reader(id);
  const auto* join = layer<Concatenate>(reader);
  const Shape& shape = node(id).shape;
  if (join == nullptr || shape.rank() != node(reader).shape.rank() ||
      join->axis_of(shape.rank()) + 1 != shape.rank()) {
    return false;
  }
  const auto& inputs = node(reader).inputs;
  // Past a Reshape the value's rows would be others.
  if (std::find(inputs.begin(), inputs.end(), id) == inputs.end()) return false;
  std::int64_t first = 0;
  for (std::size_t i = 0; inputs[i] != id; ++i) {
    const Shape& before = input_shape(reader, i);
    first += before[before.rank() - 1];
  }
  Value& whole = at(reader);
  if (!whole.value) fill(whole, reader, true, type);
  if (whole.value.type != type) return false;
  made.value = whole.value.part(first);
  if (!needs_gradient(id)) return true;
  for (const View& gradient : whole.gradients) made.gradients.push_back(gradient.part(first));
  return true;
}

void Lowering::fill(Value& made, NodeId id, bool can_stride, Type type) {
  if (can_stride && fill_in_concatenation(made, id, type)) return;
  made.value = add_tensor(node(id).shape, type);
  if (!needs_gradient(id)) return;
  for (std::size_t i = 0; i < readers_[static_cast<std::size_t>(id)].size(); ++i) {
    made.gradients.push_back(add_tensor(node(id).shape, type));
  }
}

Lowering::Value& Lowering::make_value(NodeId id, bool can_stride, Type type) {
  Value& made = at(id);
  if (!made.value) fill(made, id, can_stride, type);
  made.is_made = true;
  return made;
}

View Lowering::gradient_to(NodeId id) {
  Value& read = at(id);
  return read.gradients.empty() ? View{} : read.gradients[read.given++];
}

View Lowering::read_input(NodeId id, Type type, std::int64_t pitch) {
  const Shape& shape = node(id).shape;
  for (const Program::Input& input : program_.inputs) {
    if (input.field == node(id).input_name && input.view.type == type && input.pitch == pitch) {
      return input.view;
    }
  }
  std::vector<std::int64_t> extents = shape.extents();
  const std::int64_t channels = extents.empty() ? 1 : extents.back();
  if (!extents.empty()) extents.back() = pitch;
  const View view = add_tensor(Shape(extents), type);
  program_.inputs.push_back({node(id).input_name, shape, view, channels, pitch});
  return view;
}

Lowering::Read Lowering::read_as(NodeId id, Type type) {
  const Shape& shape = node(id).shape;
  if (is_input(id)) {
    return {read_input(id, type, shape.rank() > 0 ? shape[shape.rank() - 1] : 1), {}};
  }
  const View view = value(id).value;
  if (view.type == type) return {view, gradient_to(id)};
  Read read{add_tensor(shape, type), {}};
  CopyOperation::Spec spec;
  spec.extent = {shape.elements() / view.stride, view.stride};
  spec.from = view;
  spec.to = read.x;
  spec.from_gradient = gradient_to(id);
  if (spec.from_gradient) {
    read.dx = add_tensor(shape, type);
    spec.to_gradients = {read.dx};
  }
  const bool has_backward = static_cast<bool>(spec.from_gradient);
  add(std::make_unique<CopyOperation>(std::move(spec)), has_backward);
  return read;
}

View Lowering::whole_gradient(NodeId id) {
  const Value& made = value(id);
  if (made.gradients.empty()) return {};
  const Shape& shape = node(id).shape;
  const std::int64_t width = shape.rank() > 0 ? shape[shape.rank() - 1] : 1;
  if (made.gradients.size() == 1 && made.gradients[0].stride == width) return made.gradients[0];
  CopyOperation::Spec sum;
  sum.extent = {shape.elements() / width, width};
  sum.to_gradients = made.gradients;
  sum.from_gradient = add_tensor(shape, made.gradients[0].type);
  const View whole = sum.from_gradient;
  pending_.push_back(std::make_unique<CopyOperation>(std::move(sum)));
  return whole;
}

// Sums of gradients come after the operation, so before it on the way back.
void Lowering::add(std::unique_ptr<Operation> operation, bool has_backward) {
  program_.steps.push_back({std::move(operation), has_backward && training_, layer_});
  for (auto& sum : std::exchange(pending_, {})) {
    program_.steps.push_back({std::move(sum), training_, layer_});
  }
}

void Lowering::lower(NodeId id) {
  // Inputs are read in the form that each reader wants; an activation may have been taken in.
  if (is_input(id) || value(id).is_made) return;
  layer_ = node(id).layer;
  for (const auto family : {lower_convolution, lower_normalization, lower_joins, lower_dense,
                            lower_lstm, lower_padding, lower_pooling, lower_rowwise}) {
    if (family(*this, id)) return;
  }
  const auto& entry = graph_.layers()[static_cast<std::size_t>(node(id).layer)];
  throw Error(ErrorCode::unsupported,
              entry.name + ": the GPU backend has no layer " + std::string(entry.layer->kind()));
}

Program Lowering::run(FusedEnd fused) {
  const NodeId end = graph_.output();
  program_.output = node(end).shape;
  NodeId logits = source(end);
  program_.end = fused;
  if (fused != FusedEnd::none) logits = input(logits);
  find_readers(logits);
  find_needs();
  for (NodeId id = 0; id <= logits; ++id) {
    if (!readers_[static_cast<std::size_t>(id)].empty()) lower(id);
  }
  const Read last = read_as(logits, Type::f32);
  program_.logits = last.x;
  program_.logits_gradient = last.dx;
  return std::move(program_);
}

std::vector<BackwardPart> backward_parts(const Program& program, const ParameterArena& arena,
                                         std::size_t least) {
  // The last layer that steps before each have gradients of. Those of later ones are final there.
  std::vector<Graph::LayerId> open{-1};
  for (const Program::Step& step : program.steps) {
    open.push_back(step.has_backward ? std::max(open.back(), step.layer) : open.back());
  }
  std::vector<BackwardPart> parts;
  std::size_t last = program.steps.size(), final = 0;
  for (std::size_t first = last; first-- > 0;) {
    const std::size_t now = first == 0 ? arena.size() : arena.end(open[first] + 1);
    if (first > 0 && now < final + least) continue;
    parts.push_back({first, last, now});
    last = first;
    final = now;
  }
  return parts;
}

Program make_program(const Graph& graph, const ParameterArena& arena, bool training, FusedEnd end,
                     Precision precision) {
  return Lowering(graph, arena, training, precision).run(end);
}

}  // namespace headrace::gpu
