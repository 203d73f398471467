// Batch normalisation, with the addition and the relu that follow it.
#include "headrace/train/cpu/batch_norm_operation.h"
#include "headrace/train/cpu/lowering.h"
#include "headrace/train/layers/add.h"
#include "headrace/train/layers/batch_normalization.h"

namespace headrace::cpu {
namespace {

using NodeId = Graph::NodeId;

// The sum of a node's value and one other that is already there, if nothing else is done with the
// node's value.
struct FusedSum {
  NodeId sum = -1;
  NodeId other = -1;
};

FusedSum fused_sum(const Lowering& l, NodeId id) {
  const NodeId reader = l.only_reader(id);
  if (l.layer<Add>(reader) == nullptr || l.node(reader).inputs.size() != 2) return {};
  const NodeId other = l.input(reader, l.input(reader, 0) == id ? 1 : 0);
  const bool fits = l.value(other).is_made && l.value(other).channel_block == 0 &&
                    l.node(reader).shape == l.node(id).shape &&
                    l.value(other).value.type == l.value(l.input(id)).value.type;
  return fits ? FusedSum{reader, other} : FusedSum{};
}

void set_layer(const Lowering& l, NodeId id, BatchNormSpec& spec) {
  const auto& layer = *l.layer<BatchNormalization>(id);
  const auto place = [&](std::size_t which) { return l.arena().place(l.node(id).layer, which); };
  spec.momentum = layer.momentum();
  spec.epsilon = layer.epsilon();
  spec.synchronized = layer.synchronized();
  spec.scale = layer.scale();
  spec.center = layer.center();
  if (spec.scale) spec.gamma = place(layer.gamma());
  if (spec.center) spec.beta = place(layer.beta());
  spec.moving_mean = place(layer.moving_mean());
  spec.moving_variance = place(layer.moving_variance());
  const Shape& shape = l.input_shape(id);
  spec.channels = shape[shape.rank() - 1];
  spec.groups = shape.elements() / spec.channels;
}

}  // namespace

bool lower_normalization(Lowering& l, NodeId id) {
  if (l.layer<BatchNormalization>(id) == nullptr) return false;
  BatchNormSpec spec;
  set_layer(l, id, spec);
  const FusedSum sum = fused_sum(l, id);
  const NodeId added = sum.sum >= 0 ? sum.sum : id;
  const auto relu = l.fused_relu(added);
  const NodeId last = relu.value_or(added);
  spec.relu = relu.has_value();

  const int input_level = l.level_after_inputs(id);
  const Lowering::Read read = l.read(l.input(id));
  spec.x = read.x;
  spec.dx = read.dx;
  int level = l.training() ? input_level + 1 : input_level;
  bool other_is_shared = false;
  if (sum.other >= 0) {
    const Lowering::Read other = l.read(sum.other);
    spec.other = other.x;
    spec.other_gradient = other.dx;
    other_is_shared = l.value(sum.other).gradients.size() > 1;
    level = std::max(level, l.value(sum.other).level);
    l.skip(sum.sum);
  }
  Lowering::Value& made = l.make_value(last, true, read.x.type);
  made.level = level;
  spec.y = made.value;
  spec.y_gradients = made.gradients;
  const bool many = made.gradients.size() > 2;
  if (many) spec.y_gradients = {l.whole_gradient(last)};
  // A value that was made as an image may be read as a row.
  for (View* plain : {&spec.x, &spec.dx, &spec.other, &spec.other_gradient}) {
    plain->stride = spec.channels;
  }
  if (l.needs_gradient(last) && (spec.other || spec.y_gradients.size() > 1)) {
    // A gradient that only sums read can serve as the total too.
    spec.total = other_is_shared && spec.other_gradient
                     ? spec.other_gradient
                     : l.add_tensor(l.node(id).shape, read.x.type);
  }

  auto normalise = std::make_unique<BatchNormNormalise>(std::make_unique<BatchNorm>(spec));
  if (l.training()) {
    auto moments = std::make_unique<BatchNormMoments>(normalise->norm());
    Placed first;
    first.level = input_level;
    first.has_backward = static_cast<bool>(spec.dx);
    first.after_forward = moments.get();
    l.add(std::move(moments), first);
  }
  Placed second;
  second.level = level;
  second.layer = l.node(id).layer;
  second.has_backward = l.needs_gradient(id);
  second.after_backward = second.has_backward && l.training() ? normalise.get() : nullptr;
  second.sinks = l.training() && !spec.other && !many;
  l.add(std::move(normalise), second);
  return true;
}

}  // namespace headrace::cpu
