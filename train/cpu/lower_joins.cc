// Concatenations and sums.
#include "headrace/train/cpu/copy_operation.h"
#include "headrace/train/cpu/lowering.h"
#include "headrace/train/cpu/sum_operation.h"
#include "headrace/train/layers/add.h"
#include "headrace/train/layers/concatenate.h"

namespace headrace::cpu {
namespace {

using NodeId = Graph::NodeId;

void lower_concatenate(Lowering& l, NodeId id, const Concatenate& layer) {
  const Shape& shape = l.node(id).shape;
  const std::size_t axis = layer.axis_of(shape.rank());
  std::int64_t inner = 1;  // elements that stay together for one place on the axis
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  const int level = l.level_after_inputs(id);
  const bool last_axis = axis + 1 == shape.rank();
  Lowering::Value& whole = l.make_value(id, last_axis);
  whole.level = level;
  const auto part_of = [&](const View& view, std::int64_t first) {
    // Groups of the whole: all of the axis, for each place on the axes before.
    View part = view.part(first * inner);
    if (!last_axis) part.stride = shape[axis] * inner;
    return part;
  };
  std::int64_t first = 0;
  for (std::size_t i = 0; i < l.node(id).inputs.size(); ++i) {
    const NodeId input = l.input(id, i);
    const std::int64_t width = l.input_shape(id, i)[axis];
    const View place = part_of(whole.value, first);
    const View& value = l.value(input).value;
    if (value.tensor != place.tensor) {
      CopySpec spec;
      spec.elements = l.input_shape(id, i).elements();
      spec.width = width * inner;
      const Lowering::Read read = l.read(input);
      spec.from = read.x;
      spec.from.stride = spec.width;
      spec.to = place;
      spec.from_gradient = read.dx;
      if (read.dx) {
        spec.from_gradient.stride = spec.width;
        for (const View& gradient : whole.gradients) {
          spec.to_gradients.push_back(part_of(gradient, first));
        }
      }
      Placed how;
      how.level = level;
      how.has_backward = static_cast<bool>(read.dx);
      l.add(std::make_unique<CopyOperation>(spec), how);
    }
    first += width;
  }
}

void lower_add(Lowering& l, NodeId id) {
  const auto relu = l.fused_relu(id);
  const NodeId last = relu.value_or(id);
  SumSpec spec;
  spec.elements = l.node(id).shape.elements();
  spec.relu = relu.has_value();
  for (std::size_t i = 0; i < l.node(id).inputs.size(); ++i) {
    const Lowering::Read read = l.read(l.input(id, i));
    spec.x.push_back(read.x);
    if (read.dx) spec.dx.push_back(read.dx);
  }
  Lowering::Value& made = l.make_value(last, false);
  made.level = l.value(id).level;
  spec.y = made.value;
  spec.dy = l.whole_gradient(last);
  l.add(std::make_unique<SumOperation>(spec), id);
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

}  // namespace headrace::cpu
