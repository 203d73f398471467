#include "headrace/augment/equalize.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

#include "headrace/augment/level_tables.h"

namespace headrace {
namespace {

constexpr const char* name = "equalize";

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  if (rng.chance(std::get<double>(value))) geometry.paint(stream_id(name));
}

using Histogram = std::array<std::int64_t, 256>;

// The level that each becomes; as it is if there are too few pixels to tell.
LevelTable equalised(const Histogram& histogram) {
  LevelTable table;
  std::iota(table.begin(), table.end(), std::uint8_t{0});
  const auto last = std::find_if(histogram.rbegin(), histogram.rend(),
                                 [](std::int64_t count) { return count != 0; });
  const std::int64_t total = std::accumulate(histogram.begin(), histogram.end(), std::int64_t{0});
  const std::int64_t step = (total - *last) / 255;
  if (step == 0) return table;
  std::int64_t below = 0;
  for (std::size_t level = 0; level < table.size(); ++level) {
    const std::int64_t equal = level == 0 ? 0 : (below + step / 2) / step;
    table[level] = static_cast<std::uint8_t>(std::min<std::int64_t>(equal, 255));
    below += histogram[level];
  }
  return table;
}

// Several histograms of a channel, in turn: an increment waits for the one before it if both are
// of one level.
constexpr std::size_t turns = 4;
using Counts = std::vector<std::array<std::uint32_t, 256>>;

template <std::size_t step>
void count_levels(const std::uint8_t* levels, std::size_t count, Counts& counts) {
  std::size_t e = 0;
  for (; e + step <= count; e += step) {
    std::array<std::uint8_t, step> some;  // which counting cannot change
    std::memcpy(some.data(), levels + e, step);
    for (std::size_t i = 0; i < step; ++i) ++counts[i][some[i]];
  }
  for (std::size_t i = 0; e + i < count; ++i) ++counts[i][levels[e + i]];
}

void paint_levels(const Canvas<std::uint8_t>& canvas) {
  const std::size_t channels = canvas.channels();
  const std::size_t step = turns * channels;
  Counts counts(step);
  if (channels == 3) {
    count_levels<3 * turns>(canvas.data, canvas.elements(), counts);
  } else {
    for (std::size_t e = 0; e < canvas.elements(); ++e) ++counts[e % step][canvas.data[e]];
  }
  std::vector<LevelTable> tables;
  for (std::size_t c = 0; c < channels; ++c) {
    Histogram histogram{};
    for (std::size_t level = 0; level < histogram.size(); ++level) {
      for (std::size_t i = c; i < step; i += channels) histogram[level] += counts[i][level];
    }
    tables.push_back(equalised(histogram));
  }
  look_up(canvas, tables);
}

constexpr auto paint = [](const PaintedValues&, auto canvas) {
  if constexpr (canvas.is_levels) return paint_levels(canvas);
  using Value = std::remove_reference_t<decltype(canvas.data[0])>;
  const std::size_t channels = canvas.channels();
  for (std::size_t c = 0; c < channels; ++c) {
    Histogram histogram{};
    for (std::size_t e = c; e < canvas.elements(); e += channels) {
      ++histogram[Canvas<std::uint8_t>::cut(static_cast<float>(canvas.data[e]))];
    }
    const auto table = equalised(histogram);
    for (std::size_t e = c; e < canvas.elements(); e += channels) {
      const auto level = Canvas<std::uint8_t>::cut(static_cast<float>(canvas.data[e]));
      canvas.data[e] = static_cast<Value>(table[level]);
    }
  }
};

}  // namespace

Operation equalize() {
  return {number_parameter(
              name, "make all levels of a channel alike frequent, with this probability", 0, 1),
          plan, true, make_painter(name, paint)};
}

}  // namespace headrace
