#include <algorithm>
#include <cmath>

#include "headrace/augment/affine.h"
#include "headrace/augment/axis_table.h"
#include "headrace/augment/fixed_point.h"
#include "headrace/augment/mid_row.h"
#include "headrace/augment/render.h"

namespace headrace {
namespace {

constexpr float weight_unit = 1.0f / static_cast<float>(fixed::one);

// One image of floats: blended like levels, by the same weights, but never rounded. A tap without
// weight is not touched, so that one pixel that is not finite spoils no more than it must.
class ValueRenderer {
 public:
  ValueRenderer(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                const Finish& finish)
      : pixels_(pixels),
        decoded_(decoded),
        finish_(finish),
        y_axis_(row_axis(plan)),
        x_axis_(column_axis(plan)),
        constant_(plan.fill_value) {
    mid_.channels = finish.shape().channels;
    mid_.read = indices_read(x_axis_);
    mid_.range = indices_of_taps(x_axis_);
  }

  void render(std::byte* destination, RenderScratch& scratch) {
    allocate(scratch);
    for (int y = 0; y < finish_.shape().height; ++y) {
      blend_rows(y);
      blend_columns(values_);
      finish_.values(values_, y, destination);
    }
  }

 private:
  void allocate(RenderScratch& scratch) {
    ScratchLayout layout;
    const std::size_t y_table = layout.reserve(table_bytes(y_axis_, 1));
    const std::size_t x_table = layout.reserve(table_bytes(x_axis_, 1));
    const std::size_t mid = layout.reserve(mid_.elements() * sizeof(float));
    const std::size_t values = layout.reserve(finish_.row_elements() * sizeof(float));
    if (scratch.bytes.size() < layout.size()) scratch.bytes.resize(layout.size());
    std::byte* memory = ScratchLayout::align(scratch.bytes.data());
    y_table_ = make_table(y_axis_, 1, memory + y_table);
    x_table_ = make_table(x_axis_, 1, memory + x_table);
    mid_.memory = reinterpret_cast<float*>(memory + mid);
    values_ = reinterpret_cast<float*>(memory + values);
  }

  void blend_rows(int y) const {
    float* mid = mid_.at(mid_.read.first);
    const std::size_t count = mid_.read_elements();
    const float constant_weight = static_cast<float>(y_table_.constant_weight[y]) * weight_unit;
    std::fill_n(mid, count, constant_weight * constant_);
    const std::int16_t* weights = y_table_.weights_of(y);
    for (int t = 0; t < y_table_.count[y]; ++t) {
      const int source = fill_index(y_table_.first[y] + t, y_axis_.source, y_axis_.fill);
      const float* row =
          pixels_.row<float>(source - decoded_.top) +
          static_cast<std::ptrdiff_t>(mid_.read.first - decoded_.left) * mid_.channels;
      const float weight = static_cast<float>(weights[t]) * weight_unit;
      if (weight == 0) continue;
      for (std::size_t e = 0; e < count; ++e) mid[e] += row[e] * weight;
    }
    mid_.extend(x_axis_, constant_);
  }

  void blend_columns(float* out) const {
    const int channels = mid_.channels;
    for (int x = 0; x < x_table_.outputs; ++x, out += channels) {
      const float constant_weight = static_cast<float>(x_table_.constant_weight[x]) * weight_unit;
      std::fill_n(out, channels, constant_weight * constant_);
      const std::int16_t* weights = x_table_.weights_of(x);
      for (int t = 0; t < x_table_.count[x]; ++t) {
        const float* pixel = mid_.at(x_table_.first[x] + t);
        const float weight = static_cast<float>(weights[t]) * weight_unit;
        if (weight == 0) continue;
        for (int c = 0; c < channels; ++c) out[c] += pixel[c] * weight;
      }
    }
  }

  const ImageView& pixels_;
  const Region& decoded_;
  const Finish& finish_;
  Axis y_axis_;
  Axis x_axis_;
  float constant_;
  AxisTable y_table_;
  AxisTable x_table_;
  MidRows<float> mid_;
  float* values_ = nullptr;
};

}  // namespace

void render_values(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
                   const Finish& finish, std::byte* destination, RenderScratch& scratch) {
  if (!needs_affine(plan)) {
    ValueRenderer(plan, pixels, decoded, finish).render(destination, scratch);
    return;
  }
  const ShrunkPlan parts(plan);
  if (!parts.shrinks) {
    render_affine_values(plan, pixels, decoded, finish, destination, scratch);
    return;
  }
  const ImageSize size = parts.shrink.output;
  const Finish plain({size.height, size.width, finish.shape().channels}, ElementType::f32,
                     Layout::nhwc, {});
  Image small(plain.shape(), ElementType::f32);
  ValueRenderer(parts.shrink, pixels, decoded, plain).render(small.data(), scratch);
  render_affine_values(parts.rest, small.view(), parts.rest.region, finish, destination, scratch);
}

}  // namespace headrace
