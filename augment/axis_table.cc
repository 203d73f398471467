#include "headrace/augment/axis_table.h"

#include <algorithm>

namespace headrace {
namespace {

std::size_t padded_taps(const Axis& axis, int group) {
  return static_cast<std::size_t>((axis.max_taps() + group - 1) / group * group);
}

}  // namespace

std::size_t table_bytes(const Axis& axis, int group) {
  return static_cast<std::size_t>(axis.output) *
         (3 * sizeof(std::int32_t) + padded_taps(axis, group) * sizeof(std::int16_t));
}

AxisTable make_table(const Axis& axis, int group, std::byte* memory) {
  const auto outputs = static_cast<std::size_t>(axis.output);
  AxisTable table;
  table.outputs = axis.output;
  table.stride = static_cast<int>(padded_taps(axis, group));
  table.first = reinterpret_cast<std::int32_t*>(memory);
  table.count = table.first + outputs;
  table.constant_weight = table.count + outputs;
  table.weights = reinterpret_cast<std::int16_t*>(table.constant_weight + outputs);
  std::int16_t* weights = table.weights;
  for (int i = 0; i < axis.output; ++i, weights += table.stride) {
    const Taps taps = make_taps(axis, i, weights);
    std::fill(weights + taps.count, weights + table.stride, std::int16_t{0});
    table.first[i] = taps.first;
    table.count[i] = taps.count;
    table.constant_weight[i] = taps.constant_weight;
  }
  return table;
}

}  // namespace headrace
