#include "headrace/augment/warp.h"

#include <algorithm>
#include <cstddef>

#include "headrace/augment/axis.h"
#include "headrace/augment/axis_table.h"
#include "headrace/augment/continuation.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/level_sampler.h"
#include "headrace/augment/paired_image.h"

namespace headrace {
namespace {

constexpr int bits = fixed::coordinate_bits;

std::int64_t last_of(int extent) { return (extent - 1) * fixed::pixel; }

// What warping works with, in a canvas's spare memory.
struct Memory {
  std::int32_t* x;  // of a row, and as many more as kernels may read
  std::int32_t* y;
  std::uint8_t* row;  // of outputs, with slack
  std::byte* image;

  template <class T>
  Memory(const Canvas<T>& canvas, std::size_t image_bytes) {
    const std::size_t width = static_cast<std::size_t>(canvas.shape.width);
    const std::size_t places = (width + Kernels::places_at_once) * sizeof(std::int32_t);
    ScratchLayout layout;
    const std::size_t x_at = layout.reserve(places);
    const std::size_t y_at = layout.reserve(places);
    const std::size_t row_at = layout.reserve(width * canvas.channels() + Kernels::slack);
    const std::size_t image_at = layout.reserve(image_bytes);
    if (canvas.spare.size() < layout.size()) canvas.spare.resize(layout.size());
    std::byte* memory = ScratchLayout::align(canvas.spare.data());
    x = reinterpret_cast<std::int32_t*>(memory + x_at);
    y = reinterpret_cast<std::int32_t*>(memory + y_at);
    row = reinterpret_cast<std::uint8_t*>(memory + row_at);
    image = memory + image_at;
  }
};

// An axis that is sampled as far out as PairedImage knows the way.
SampledAxis far_axis(int extent) {
  return {extent, {0, extent}, -last_of(extent), 2 * last_of(extent)};
}

// Brings a coordinate that lies farther out to where the image goes on in the same way.
std::int64_t brought_near(std::int64_t c, int extent, FillMode fill) {
  const std::int64_t period = extent * fixed::pixel;
  if (fill == FillMode::wrap) return wrapped(c, period);
  if (fill == FillMode::reflect) {
    const std::int64_t rest = wrapped(c + fixed::pixel / 2, 2 * period);
    return std::min(rest, 2 * period - rest) - fixed::pixel / 2;
  }
  enter_image<bits>(c, extent, fill);
  return c;
}

void bring_near(std::int32_t* places, int count, int extent, FillMode fill) {
  const auto [least, most] = std::minmax_element(places, places + count);
  if (*least >= -last_of(extent) && *most < 2 * last_of(extent)) return;
  for (int i = 0; i < count; ++i) {
    places[i] = static_cast<std::int32_t>(brought_near(places[i], extent, fill));
  }
}

std::uint8_t constant_of(const SamplePlan& plan) {
  return static_cast<std::uint8_t>(constant_level(plan));
}

bool folds(FillMode fill) {
  return fill != FillMode::nearest && fill != FillMode::constant &&
         fill != FillMode::scipy_constant;
}

// By kernels, from a copy that they know.
void warp_pairs(const Canvas<std::uint8_t>& canvas, const Motion& motion, PairedImage& pairs) {
  const auto [height, width, channels] = canvas.shape;
  const FillMode fill = canvas.plan.fill_mode;
  const std::uint8_t constant = constant_of(canvas.plan);
  const std::size_t pitch = canvas.shape.elements() / static_cast<std::size_t>(height);
  const Memory memory(canvas, pairs.bytes());
  pairs.make(canvas.data, pitch, constant, memory.image, canvas.kernels);
  const PairedRun run = pairs.run(0, 0, 0, 0);
  for (int y = 0; y < height; ++y) {
    motion.sources(y, memory.x, memory.y);
    if (folds(fill)) {
      bring_near(memory.x, width, width, fill);
      bring_near(memory.y, width, height, fill);
    }
    canvas.kernels.sample_places(run, memory.x, memory.y, width, memory.row);
    std::uint8_t* out =
        std::copy_n(memory.row, pitch, canvas.data + static_cast<std::size_t>(y) * pitch) - pitch;
    if (fill != FillMode::scipy_constant) continue;
    for (int i = 0; i < width; ++i, out += channels) {
      const bool inside = memory.x[i] >= 0 && memory.x[i] <= last_of(width) && memory.y[i] >= 0 &&
                          memory.y[i] <= last_of(height);
      if (!inside) std::fill_n(out, channels, constant);
    }
  }
}

// Calls sample(sampler, x, y, out) for each output.
template <class Sample>
void warp_singly(const Canvas<std::uint8_t>& canvas, const Motion& motion, const Sample& sample) {
  const ImageSize size = canvas.shape.size();
  const Memory memory(canvas, canvas.elements());
  std::copy_n(reinterpret_cast<const std::byte*>(canvas.data), canvas.elements(), memory.image);
  const std::size_t pitch = canvas.elements() / static_cast<std::size_t>(size.height);
  const LevelSampler sampler({memory.image, canvas.shape, pitch, ElementType::u8},
                             {0, 0, size.height, size.width}, size, canvas.plan.fill_mode,
                             constant_of(canvas.plan));
  std::uint8_t* out = canvas.data;
  for (int y = 0; y < size.height; ++y) {
    motion.sources(y, memory.x, memory.y);
    for (int x = 0; x < size.width; ++x, out += canvas.channels()) {
      sample(sampler, memory.x[x], memory.y[x], out);
    }
  }
}

// One output of f32 values.
class ValueSampler {
 public:
  ValueSampler(const Canvas<float>& canvas, const float* before)
      : canvas_(canvas), before_(before), fill_(canvas.plan.fill_mode) {}

  void blend(std::int64_t x, std::int64_t y, float* out) const {
    const auto [height, width, channels] = canvas_.shape;
    const bool inside = enter_image<bits>(x, width, fill_) && enter_image<bits>(y, height, fill_);
    const float* taps[4] = {};
    for (int t = 0; inside && t < 4; ++t) taps[t] = tap((y >> bits) + t / 2, (x >> bits) + t % 2);
    constexpr float unit = 1.0f / static_cast<float>(fixed::pixel);
    const float wx = static_cast<float>(x & (fixed::pixel - 1)) * unit;
    const float wy = static_cast<float>(y & (fixed::pixel - 1)) * unit;
    for (int c = 0; c < channels; ++c) {
      const auto value = [&](int t) {
        return taps[t] == nullptr ? canvas_.plan.fill_value : taps[t][c];
      };
      const float top = value(0) * (1 - wx) + value(1) * wx;
      const float bottom = value(2) * (1 - wx) + value(3) * wx;
      out[c] = top * (1 - wy) + bottom * wy;
    }
  }

 private:
  const float* tap(std::int64_t row, std::int64_t column) const {
    const auto [height, width, channels] = canvas_.shape;
    const int r = fill_index(static_cast<int>(row), height, fill_of_taps(fill_));
    const int c = fill_index(static_cast<int>(column), width, fill_of_taps(fill_));
    if (r < 0 || c < 0) return nullptr;
    return before_ + (std::ptrdiff_t{r} * width + c) * channels;
  }

  const Canvas<float>& canvas_;
  const float* before_;
  FillMode fill_;
};

}  // namespace

void warp(const Canvas<std::uint8_t>& canvas, const Motion& motion) {
  SamplePlan plan;
  plan.output = canvas.shape.size();
  plan.filter = Filter::linear;
  plan.fill_mode = canvas.plan.fill_mode;
  PairedImage pairs(plan, canvas.shape.channels, far_axis(canvas.shape.width),
                    far_axis(canvas.shape.height), canvas.kernels);
  if (pairs) {
    warp_pairs(canvas, motion, pairs);
  } else {
    warp_singly(canvas, motion,
                [](const LevelSampler& from, std::int64_t x, std::int64_t y, std::uint8_t* out) {
                  from.blend(x, y, out);
                });
  }
}

void warp_mask(const Canvas<std::uint8_t>& canvas, const Motion& motion) {
  warp_singly(canvas, motion,
              [](const LevelSampler& from, std::int64_t x, std::int64_t y, std::uint8_t* out) {
                from.take(x, y, out);
              });
}

void warp(const Canvas<float>& canvas, const Motion& motion) {
  const Memory memory(canvas, canvas.elements() * sizeof(float));
  auto* before = reinterpret_cast<float*>(memory.image);
  std::copy_n(canvas.data, canvas.elements(), before);
  const ValueSampler sampler(canvas, before);
  float* out = canvas.data;
  for (int y = 0; y < canvas.shape.height; ++y) {
    motion.sources(y, memory.x, memory.y);
    for (int x = 0; x < canvas.shape.width; ++x, out += canvas.channels()) {
      sampler.blend(memory.x[x], memory.y[x], out);
    }
  }
}

}  // namespace headrace
