// Concatenations, sums, and batch normalisation with the sum and the relu that follow it.
#include "headrace/train/gpu/lowering.h"
#include "headrace/train/gpu/normalization_operation.h"
#include "headrace/train/layers/add.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/layers/concatenate.h"

namespace headrace::gpu {
namespace {

using NodeId = Graph::NodeId;

Type own_type(const Lowering& l, NodeId id) {
  return l.node(id).shape.rank() == 3 ? l.type() : Type::f32;
}

void lower_concatenate(Lowering& l, NodeId id, const Concatenate& layer) {
  const Shape& shape = l.node(id).shape;
  const std::size_t axis = layer.axis_of(shape.rank());
  std::int64_t inner = 1;  // elements that stay together for one place on the axis
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  const bool last_axis = axis + 1 == shape.rank();
  const Lowering::Value whole = l.make_value(id, last_axis, own_type(l, id));
  const auto part_of = [&](const View& view, std::int64_t first) {
    // Groups of the whole: all of the axis, for each place on the axes before.
    View part = view.part(first * inner);
    if (!last_axis) part.stride = shape[axis] * inner;
    return part;
  };
  std::int64_t first = 0;
  for (std::size_t i = 0; i < l.node(id).inputs.size(); ++i) {
    const NodeId input = l.input(id, i);
    const Shape& part = l.input_shape(id, i);
    const View place = part_of(whole.value, first);
    if (l.is_input(input) || l.value(input).value.tensor != place.tensor) {
      CopyOperation::Spec spec;
      const std::int64_t width = part[axis] * inner;
      spec.extent = {part.elements() / width, width};
      const Lowering::Read read = l.read(input);
      spec.from = read.x;
      spec.from.stride = width;
      spec.to = place;
      spec.from_gradient = read.dx;
      if (read.dx) {
        spec.from_gradient.stride = width;
        for (const View& gradient : whole.gradients) {
          spec.to_gradients.push_back(part_of(gradient, first));
        }
      }
      const bool has_backward = static_cast<bool>(read.dx);
      l.add(std::make_unique<CopyOperation>(std::move(spec)), has_backward);
    }
    first += part[axis];
  }
}

void lower_add(Lowering& l, NodeId id) {
  const auto relu = l.fused_relu(id);
  const NodeId last = relu.value_or(id);
  const Shape& shape = l.node(id).shape;
  const std::int64_t width = shape.rank() > 0 ? shape[shape.rank() - 1] : 1;
  SumOperation::Spec spec;
  spec.extent = {shape.elements() / width, width};
  spec.relu = relu.has_value();
  for (std::size_t i = 0; i < l.node(id).inputs.size(); ++i) {
    Lowering::Read read = l.read(l.input(id, i));
    read.x.stride = width;
    spec.x.push_back(read.x);
    if (!read.dx) continue;
    read.dx.stride = width;
    spec.dx.push_back(read.dx);
  }
  spec.y = l.make_value(last, false, own_type(l, id)).value;
  spec.dy = l.whole_gradient(last);
  const bool has_backward = !spec.dx.empty();
  l.add(std::make_unique<SumOperation>(std::move(spec)), has_backward);
}

// The sum of a node's value and one other that is already there, if nothing else is done with the
// node's value.
struct FusedSum {
  NodeId sum = -1;
  NodeId other = -1;
};

FusedSum fused_sum(const Lowering& l, NodeId id) {
  const NodeId reader = l.only_reader(id);
  if (l.layer<Add>(reader) == nullptr || l.node(reader).inputs.size() != 2) return {};
  if (l.input(reader, 0) == l.input(reader, 1)) return {};
  const NodeId other = l.input(reader, l.input(reader, 0) == id ? 1 : 0);
  const Shape& shape = l.node(id).shape;
  const bool fits = !l.is_input(other) && l.value(other).is_made && l.node(reader).shape == shape &&
                    l.node(other).shape == shape &&
                    l.value(other).value.type == l.type_of(l.input(id));
  return fits ? FusedSum{reader, other} : FusedSum{};
}

void set_layer(const Lowering& l, NodeId id, NormalizationSpec& spec) {
  const auto& layer = *l.layer<BatchNormalization>(id);
  spec.momentum = layer.momentum();
  spec.epsilon = layer.epsilon();
  spec.scale = layer.scale();
  spec.center = layer.center();
  if (spec.scale) spec.gamma = l.place(id, layer.gamma());
  if (spec.center) spec.beta = l.place(id, layer.beta());
  spec.moving_mean = l.place(id, layer.moving_mean());
  spec.moving_variance = l.place(id, layer.moving_variance());
  const Shape& shape = l.input_shape(id);
  spec.channels = shape[shape.rank() - 1];
  spec.groups = shape.elements() / spec.channels;
}

}  // namespace

bool lower_joins(Lowering& l, NodeId id) {
  if (const auto* join = l.layer<Concatenate>(id)) {
    lower_concatenate(l, id, *join);
  } else if (l.layer<Add>(id) != nullptr) {
    lower_add(l, id);
  } else {
    return false;
  }
  return true;
}

bool lower_normalization(Lowering& l, NodeId id) {
  if (l.layer<BatchNormalization>(id) == nullptr) return false;
  NormalizationSpec spec;
  set_layer(l, id, spec);
  spec.offset = l.bias_left_out(id);
  const FusedSum sum = fused_sum(l, id);
  const NodeId added = sum.sum >= 0 ? sum.sum : id;
  const auto relu = l.fused_relu(added);
  const NodeId last = relu.value_or(added);
  spec.relu = relu.has_value();
  Lowering::Read read = l.read(l.input(id));
  read.x.stride = read.dx.stride = spec.channels;  // it may have been made in another shape
  spec.x = read.x;
  spec.dx = read.dx;
  if (sum.other >= 0) {
    const Lowering::Read other = l.read(sum.other);
    spec.other = other.x;
    spec.other_gradient = other.dx;
    l.skip(sum.sum);
  }
  const Lowering::Value made = l.make_value(last, true, read.x.type);
  spec.y = made.value;
  if (made.gradients.size() > 2) {
    spec.y_gradients[0] = l.whole_gradient(last);
  } else {
    for (std::size_t i = 0; i < made.gradients.size(); ++i) {
      spec.y_gradients[i] = made.gradients[i];
    }
  }
  spec.state =
      l.add_state(NormalizationSpec::state_arrays * static_cast<std::size_t>(spec.channels));
  l.add(std::make_unique<NormalizationOperation>(spec), l.needs_gradient(id));
  return true;
}

}  // namespace headrace::gpu
