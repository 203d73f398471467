#include "headrace/augment/axis_table.h"

#include <algorithm>
#include <array>

#include "headrace/augment/axis_taps.h"
#include "headrace/augment/fixed_point.h"

namespace headrace {
namespace {

using fixed::pixel;

std::size_t padded_taps(const Axis& axis, int group) {
  return static_cast<std::size_t>((axis.max_taps() + group - 1) / group * group);
}

// The taps of triangles that lie within the image: as make_taps() has them, but with as many taps
// for all, so that a processor need not guess how many an output has. (Where a weight is 0 the sum
// up to there rounds to what it was.)
class Triangles {
 public:
  explicit Triangles(const Axis& axis) : axis_(axis) {
    const std::int64_t extent = axis.source * pixel;
    const std::int64_t widest = std::max(axis.pitch, std::int64_t{pixel});
    if (axis.half_width == 0 || axis.is_box || widest > extent) return;
    first_centre_ = widest / 2;
    last_centre_ = extent - widest / 2;
  }

  bool contain(std::int64_t c) const { return c >= first_centre_ && c <= last_centre_; }

  // Requires contain(c), and that no output has more taps. Writes that many weights.
  template <std::size_t most>
  Taps make(std::int64_t c, std::int16_t* weights) const {
    const std::int64_t f = axis_.half_width;
    const std::int64_t first = std::max<std::int64_t>(taps::floor_pixel(c - f - pixel / 2) + 1, 0);
    std::array<std::uint64_t, most> sums;
    std::uint64_t sum = 0;
    std::int64_t position = first * pixel + pixel / 2 - c;
    for (std::size_t t = 0; t < most; ++t, position += pixel) {
      const bool is_there = first + static_cast<std::int64_t>(t) < axis_.source;
      const std::int64_t weight = std::max<std::int64_t>(f - taps::magnitude(position), 0);
      sum += is_there ? static_cast<std::uint64_t>(weight) : 0;
      sums[t] = sum;
    }
    const std::uint64_t reciprocal = (std::uint64_t{fixed::one} << 48) / sum;
    std::int32_t before = 0;
    int count = 0;
    for (std::size_t t = 0; t < most; ++t) {
      const auto up_to_here =
          static_cast<std::int32_t>((sums[t] * reciprocal + (std::uint64_t{1} << 47)) >> 48);
      weights[t] = static_cast<std::int16_t>(up_to_here - before);
      count = up_to_here != before ? static_cast<int>(t) + 1 : count;
      before = up_to_here;
    }
    return {static_cast<int>(first), count, 0};
  }

 private:
  const Axis& axis_;
  std::int64_t first_centre_ = 1;  // none
  std::int64_t last_centre_ = 0;
};

template <std::size_t most>
void fill_table(const Axis& axis, AxisTable& table) {
  const Triangles triangles(axis);
  std::int16_t* weights = table.weights;
  for (int i = 0; i < axis.output; ++i, weights += table.stride) {
    const std::int64_t c = axis.coordinate(i);
    const bool plain = most != 0 && triangles.contain(c);
    Taps made;
    if constexpr (most != 0) {
      if (plain) made = triangles.make<most>(c, weights);
    }
    if (!plain || weights[0] == 0) {
      made = make_taps(axis, i, weights);
      std::fill(weights + made.count, weights + table.stride, std::int16_t{0});
    }
    table.first[i] = made.first;
    table.count[i] = made.count;
    table.constant_weight[i] = made.constant_weight;
  }
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
  switch (table.stride) {
    case 2: fill_table<2>(axis, table); break;
    case 4: fill_table<4>(axis, table); break;
    case 6: fill_table<6>(axis, table); break;
    case 8: fill_table<8>(axis, table); break;
    default: fill_table<0>(axis, table);
  }
  return table;
}

}  // namespace headrace
