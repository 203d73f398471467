#include "headrace/train/cpu/lowering.h"

#include <algorithm>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/cpu/copy_operation.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/concatenate.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/reshape.h"

namespace headrace::cpu {

Lowering::Lowering(const Graph& graph, const ParameterArena& arena, bool training,
                   Precision precision, const ProgramEnds& ends)
    : graph_(graph),
      arena_(arena),
      ends_(ends),
      training_(training),
      type_(precision == Precision::bf16 ? Type::bf16 : Type::f32),
      readers_(graph.nodes().size()),
      needs_(graph.nodes().size()),
      values_(graph.nodes().size()) {
  look_through();
}

bool Lowering::is(NodeId id, ActivationKind kind) const {
  const auto* activation = layer<Activation>(id);
  return activation != nullptr && activation->function() == kind;
}

Graph::NodeId Lowering::source(NodeId id) const { return sources_[static_cast<std::size_t>(id)]; }

void Lowering::look_through() {
  for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    const auto* dropout = layer<Dropout>(id);
    const bool moves_nothing = layer<Flatten>(id) != nullptr || layer<Reshape>(id) != nullptr ||
                               is(id, ActivationKind::linear) ||
                               (dropout != nullptr && (!training_ || dropout->rate() == 0));
    sources_.push_back(moves_nothing ? source(node(id).inputs[0]) : id);
  }
}

void Lowering::find_readers(NodeId logits) {
  if (logits >= 0) readers_[static_cast<std::size_t>(logits)].push_back(-1);
  for (const auto& output : ends_.outputs) {
    readers_[static_cast<std::size_t>(source(output.node))].push_back(-1);
  }
  for (auto id = static_cast<NodeId>(graph_.nodes().size()); id-- > 0;) {
    if (readers_[static_cast<std::size_t>(id)].empty()) continue;
    for (std::size_t i = 0; i < node(id).inputs.size(); ++i) {
      readers_[static_cast<std::size_t>(input(id, i))].push_back(id);
    }
  }
}

void Lowering::find_needs() {
  for (const auto& input : ends_.inputs) {
    needs_[static_cast<std::size_t>(input.node)] = training_ && input.needs_gradient;
  }
  for (NodeId id = 0; training_ && id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    if (node(id).layer < 0) continue;
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

bool Lowering::is_shared(NodeId id) const {
  const auto& nodes = graph_.nodes();
  return std::count_if(nodes.begin(), nodes.end(),
                       [&](const Graph::Node& other) { return other.layer == node(id).layer; }) > 1;
}

std::optional<Graph::NodeId> Lowering::fused_relu(NodeId id) const {
  const NodeId reader = only_reader(id);
  if (is(reader, ActivationKind::relu)) return reader;
  return std::nullopt;
}

bool Lowering::is_normalized_away(NodeId id) const {
  const NodeId reader = only_reader(id);
  // Not past a Reshape: its channels may be others.
  return layer<BatchNormalization>(reader) != nullptr && node(reader).inputs[0] == id;
}

int Lowering::level_after_inputs(NodeId id) const {
  int level = 0;
  for (std::size_t i = 0; i < node(id).inputs.size(); ++i) {
    level = std::max(level, value(input(id, i)).level);
  }
  return level;
}

View Lowering::add_tensor(const Shape& shape, Type type) {
  const std::int64_t width = shape.rank() > 0 ? shape[shape.rank() - 1] : 1;
  const auto bytes = static_cast<std::size_t>(shape.elements()) * size_of(type);
  return {program_.tensors.add(bytes), type, 0, width};
}

void Lowering::fill(Value& made, NodeId id, bool can_stride, Type type) {
  const NodeId reader = only_reader(id);
  const auto* join = layer<Concatenate>(reader);
  if (can_stride && join != nullptr && type == type_) {
    const Shape& shape = node(id).shape;
    std::int64_t first = 0;
    for (std::size_t i = 0; input(reader, i) != id; ++i) {
      const Shape& before = input_shape(reader, i);
      first += before[before.rank() - 1];
    }
    if (join->axis_of(shape.rank()) + 1 == shape.rank() &&
        shape.rank() == node(reader).shape.rank() &&
        std::any_of(node(reader).inputs.begin(), node(reader).inputs.end(),
                    [&](NodeId seen) { return seen == id; })) {
      Value& whole = at(reader);
      if (!whole.value) fill(whole, reader, true, type);
      made.value = whole.value.part(first);
      if (!needs_gradient(id)) return;
      for (const View& gradient : whole.gradients) made.gradients.push_back(gradient.part(first));
      return;
    }
  }
  made.value = add_tensor(node(id).shape, type);
  if (!needs_gradient(id)) return;
  for (std::size_t i = 0; i < readers_[static_cast<std::size_t>(id)].size(); ++i) {
    made.gradients.push_back(add_tensor(node(id).shape, type));
  }
}

Lowering::Value& Lowering::make_value(NodeId id, bool can_stride, std::optional<Type> type) {
  Value& made = at(id);
  if (!made.value) fill(made, id, can_stride, type.value_or(type_));
  made.is_made = true;
  return made;
}

View Lowering::gradient_to(NodeId id) {
  Value& read = at(id);
  return read.gradients.empty() ? View{} : read.gradients[read.given++];
}

Lowering::Read Lowering::read_as(NodeId id, Type type) {
  const View view = value(id).value;
  if (view.type == type) return {view, gradient_to(id)};
  const Shape& shape = node(id).shape;
  Read read{add_tensor(shape, type), {}};
  CopySpec spec;
  spec.elements = shape.elements();
  spec.width = view.stride;
  spec.from = view;
  spec.to = read.x;
  spec.from_gradient = gradient_to(id);
  if (spec.from_gradient) {
    read.dx = add_tensor(shape, type);
    spec.to_gradients = {read.dx};
  }
  Placed how;
  how.level = value(id).level;
  how.has_backward = static_cast<bool>(spec.from_gradient);
  add(std::make_unique<CopyOperation>(spec), how);
  return read;
}

View Lowering::whole_gradient(NodeId id) {
  const Value& made = value(id);
  if (made.gradients.empty()) return {};
  const Shape& shape = node(id).shape;
  const std::int64_t width = shape[shape.rank() - 1];
  if (made.gradients.size() == 1 && made.gradients[0].stride == width) return made.gradients[0];
  CopySpec sum;
  sum.elements = shape.elements();
  sum.width = width;
  sum.to_gradients = made.gradients;
  sum.from_gradient = add_tensor(shape, made.gradients[0].type);
  pending_.push_back(std::make_unique<CopyOperation>(sum));
  return pending_.back()->from_gradient();
}

void Lowering::add(std::unique_ptr<Operation> operation, Placed how) {
  how.operation = operation.get();
  how.has_backward = how.has_backward && training_;
  program_.operations.push_back(std::move(operation));
  placed_.push_back(how);
  for (auto& sum : std::exchange(pending_, {})) {
    Placed added;
    added.operation = sum.get();
    added.level = how.level;
    added.has_backward = true;
    placed_.push_back(added);
    program_.operations.push_back(std::move(sum));
  }
}

void Lowering::add(std::unique_ptr<Operation> operation, NodeId id) {
  Placed how;
  how.level = at(id).level;
  how.has_backward = needs_gradient(id);
  how.layer = node(id).layer;
  add(std::move(operation), how);
}

void Lowering::lower_input(NodeId id) {
  Value& made = at(id);
  const View given{program_.tensors.add_external(), Type::f32, 0,
                   node(id).shape.rank() > 0 ? node(id).shape[node(id).shape.rank() - 1] : 1};
  program_.inputs.push_back({given.tensor, node(id).input_name, node(id).shape});
  made.value = given;
  made.is_made = true;
}

View Lowering::add_link(NodeId id, bool is_used) {
  const Shape& shape = node(id).shape;
  View view{no_tensor, Type::f32, 0, shape.rank() > 0 ? shape[shape.rank() - 1] : 1};
  if (is_used) view.tensor = program_.tensors.add_external();
  program_.links.push_back({view.tensor, shape.elements()});
  return view;
}

// A value that another part of the model makes.
void Lowering::lower_link(NodeId id, const ProgramEnds::Input& end) {
  const auto first = static_cast<std::size_t>(&end - ends_.inputs.data()) * 2;
  const auto link = [&](std::size_t which) {
    return View{program_.links[first + which].tensor, Type::f32, 0,
                node(id).shape[node(id).shape.rank() - 1]};
  };
  Value& made = at(id);
  made.value = link(0);
  made.is_made = true;
  const View gradient = link(1);
  if (!gradient) return;
  const std::size_t readers = readers_[static_cast<std::size_t>(id)].size();
  if (readers == 1) {
    made.gradients = {gradient};
    return;
  }
  CopySpec sum;
  sum.elements = node(id).shape.elements();
  sum.width = gradient.stride;
  for (std::size_t i = 0; i < readers; ++i) {
    made.gradients.push_back(add_tensor(node(id).shape, Type::f32));
  }
  sum.to_gradients = made.gradients;
  sum.from_gradient = gradient;
  Placed how;
  how.has_backward = true;
  add(std::make_unique<CopyOperation>(sum), how);
}

// Values on their way to other parts, after all else.
void Lowering::lower_outputs() {
  Placed how;
  how.is_end = true;
  for (const Placed& one : placed_) how.level = std::max(how.level, one.level + 1);
  for (const auto& output : ends_.outputs) {
    const NodeId id = source(output.node);
    const Read read = read_as(id, Type::f32);
    CopySpec spec;
    spec.elements = node(id).shape.elements();
    spec.width = read.x.stride;
    spec.from = read.x;
    spec.to = add_link(id, true);
    spec.to.stride = spec.width;
    spec.from_gradient = read.dx;
    for (std::size_t i = 0; i < output.readers; ++i) {
      View gradient = add_link(id, static_cast<bool>(read.dx));
      gradient.stride = spec.width;
      if (gradient) spec.to_gradients.push_back(gradient);
    }
    how.has_backward = static_cast<bool>(read.dx);
    add(std::make_unique<CopyOperation>(spec), how);
  }
}

void Lowering::lower(NodeId id) {
  if (value(id).is_made) return;  // an activation that its input's operation has taken in
  at(id).level = level_after_inputs(id);
  if (node(id).layer < 0) {
    const auto end = std::find_if(ends_.inputs.begin(), ends_.inputs.end(),
                                  [&](const auto& input) { return input.node == id; });
    if (end == ends_.inputs.end()) {
      lower_input(id);
    } else {
      lower_link(id, *end);
    }
    return;
  }
  for (const auto family : {lower_convolution, lower_normalization, lower_joins, lower_dense,
                            lower_lstm, lower_padding, lower_pooling, lower_rowwise}) {
    if (family(*this, id)) return;
  }
  const auto& entry = graph_.layers()[static_cast<std::size_t>(node(id).layer)];
  throw Error(ErrorCode::unsupported,
              entry.name + ": the CPU backend has no layer " + std::string(entry.layer->kind()));
}

// What the loss works on; -1: this part of the model has none.
Lowering::NodeId Lowering::logits_node(FusedEnd fused) {
  if (!ends_.has_output) return -1;
  const NodeId end = graph_.output();
  program_.output = node(end).shape;
  program_.end = fused;
  return fused == FusedEnd::none ? source(end) : input(source(end));
}

Program Lowering::run(std::int64_t slice_rows, FusedEnd fused) {
  const NodeId logits = logits_node(fused);
  find_readers(logits);
  find_needs();
  for (const auto& input : ends_.inputs) {
    add_link(input.node, true);
    add_link(input.node, needs_gradient(input.node));
  }
  for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) {
    if (!readers_[static_cast<std::size_t>(id)].empty()) lower(id);
  }
  if (logits >= 0) {
    const Read last = read_as(logits, Type::f32);
    program_.logits = last.x;
    program_.logits_gradient = last.dx;
  }
  lower_outputs();
  plan_segments(placed_, arena_, slice_rows, training_, program_);
  return std::move(program_);
}

bool Program::has_reductions() const {
  return std::any_of(segments.begin(), segments.end(),
                     [](const Segment& segment) { return !segment.after_forward.empty(); });
}

Program make_program(const Graph& graph, const ParameterArena& arena, std::int64_t slice_rows,
                     bool training, FusedEnd end, Precision precision, const ProgramEnds& ends) {
  return Lowering(graph, arena, training, precision, ends).run(slice_rows, end);
}

}  // namespace headrace::cpu
