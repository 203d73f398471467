#include "headrace/augment/elastic.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "headrace/augment/convolution.h"
#include "headrace/augment/warp.h"

namespace headrace {
namespace {

constexpr const char* name = "elastic";

Parameter parameter() {
  return fields_parameter(name, "move pixels by a smooth random field: its strength and softness",
                          {{"alpha", 0, 1000, 50}, {"sigma", 0.1, 50, 5}});
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  constexpr std::uint64_t exact = 1 << 24;  // whole numbers that a float holds
  geometry.paint(stream_id(name),
                 {field_of(parameter(), value, 0), field_of(parameter(), value, 1),
                  static_cast<double>(rng.below(exact)), static_cast<double>(rng.below(exact))});
}

// What a field follows from.
struct FieldKey {
  PaintedValues values;
  ImageSize size;
};

class Ripple final : public Motion {
 public:
  // The field that is in `kept` already is not made again.
  Ripple(const PaintedValues& values, ImageSize size, const Kernels& kernels,
         std::vector<std::byte>* kept)
      : kernels_(*kernels.painting),
        shape_{size.height, size.width, 2},
        strength_(values[0] / 2),
        memory_(kept == nullptr ? own_ : *kept) {
    static_assert(sizeof(FieldKey) % alignof(float) == 0);
    const FieldKey key = {values, size};
    const std::size_t bytes = sizeof key + shape_.elements() * sizeof(float);
    if (memory_.size() == bytes && std::memcmp(memory_.data(), &key, sizeof key) == 0) return;
    memory_.assign(bytes, std::byte{0});
    kernels_.noise(static_cast<std::uint64_t>(values[2]), static_cast<std::uint64_t>(values[3]),
                   shape_.elements(), field());
    const int kernel_size = static_cast<int>(8 * values[1] + 1) | 1;
    convolve(field(), shape_, gaussian_kernel(kernel_size, static_cast<double>(values[1])),
             kernels_);
    std::memcpy(memory_.data(), &key, sizeof key);
  }

  void sources(int row, std::int32_t* x, std::int32_t* y) const override {
    kernels_.displace(offset(0, row), strength_, row, static_cast<std::size_t>(shape_.width), x, y);
  }

  // The place whose source this is, found by steps that converge where the field does not fold the
  // image; where it does, near one such place.
  Place moved(const Place& from) const override {
    constexpr int most_steps = 64;
    constexpr double close_enough = 1e-4;
    Place at = from;
    for (int i = 0; i < most_steps; ++i) {
      const Place by = offset_at(at);
      const Place next = {from.x - by.x, from.y - by.y};
      const double step = std::max(std::abs(next.x - at.x), std::abs(next.y - at.y));
      // Half a step does not swing to and fro where the field is steep.
      at = {(at.x + next.x) / 2, (at.y + next.y) / 2};
      if (step < close_enough) break;
    }
    return at;
  }

 private:
  float* field() const { return reinterpret_cast<float*>(memory_.data() + sizeof(FieldKey)); }

  const float* offset(int x, int y) const {
    return field() + 2 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(shape_.width) +
                          static_cast<std::size_t>(x));
  }

  // Between the centres of pixels, linearly; beyond the outermost, as there.
  Place offset_at(const Place& at) const {
    const double x = std::clamp<double>(at.x - 0.5, 0, shape_.width - 1);
    const double y = std::clamp<double>(at.y - 0.5, 0, shape_.height - 1);
    const int left = std::min(static_cast<int>(x), std::max(shape_.width - 2, 0));
    const int top = std::min(static_cast<int>(y), std::max(shape_.height - 2, 0));
    const int right = std::min(left + 1, shape_.width - 1);
    const int bottom = std::min(top + 1, shape_.height - 1);
    const double wx = x - left;
    const double wy = y - top;
    const auto blended = [&](int axis) {
      const double above = static_cast<double>(offset(left, top)[axis]) * (1 - wx) +
                           static_cast<double>(offset(right, top)[axis]) * wx;
      const double below = static_cast<double>(offset(left, bottom)[axis]) * (1 - wx) +
                           static_cast<double>(offset(right, bottom)[axis]) * wx;
      return (above * (1 - wy) + below * wy) * static_cast<double>(strength_);
    };
    return {blended(0), blended(1)};
  }

  const PaintKernels& kernels_;
  ImageShape shape_;
  float strength_;
  std::vector<std::byte> own_;
  std::vector<std::byte>& memory_;  // a key, and the field
};

}  // namespace

Operation elastic() { return {parameter(), plan, true, make_moving_painter<Ripple>(name)}; }

}  // namespace headrace
