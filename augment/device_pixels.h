#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/augment/axis_table.h"
#include "headrace/augment/axis_taps.h"
#include "headrace/augment/half.h"
#include "headrace/augment/wire_row.h"
#include "headrace/pipeline/device.h"
#include "headrace/pipeline/device_stage.h"

// What a GPU computes for one element of an output, as functions of the host too: tests compare
// them with the renderer of the host, bit for bit. Not installed.
namespace headrace::device_pixels {

// A DeviceRender as kernels are given it: numbers alone.
struct Job {
  const std::byte* rows;
  std::size_t row_bytes;
  const std::byte* resident;
  std::size_t image_bytes;  // of one image that is resident
  std::byte* output;
  std::size_t output_row_bytes;
  const float* scales;
  const float* offsets;
  int height, width, channels;
  int pitch;  // channels between pixels of an interleaved output
  bool planes;
  bool offset_of_each;  // element, and not of each channel
  ElementType type;
};

inline Job make_job(const DeviceRender& render) {
  const DeviceStage& stage = *render.stage;
  const ImageShape& shape = stage.shape;
  const int pitch = stage.planes ? shape.channels : render.target.channel_pitch;
  const ElementType type = render.target.type.value();
  return {.rows = render.rows,
          .row_bytes = render.row_bytes,
          .resident = render.resident,
          .image_bytes = stage.source.elements(),
          .output = render.target.data,
          .output_row_bytes = static_cast<std::size_t>(shape.height) *
                              static_cast<std::size_t>(shape.width) *
                              static_cast<std::size_t>(pitch) * size_of(type),
          .scales = render.scales,
          .offsets = render.offsets,
          .height = shape.height,
          .width = shape.width,
          .channels = shape.channels,
          .pitch = pitch,
          .planes = stage.planes,
          .offset_of_each = stage.offsets.size() > static_cast<std::size_t>(shape.channels),
          .type = type};
}

// Entry `entry` of a table: the taps of output `i`. Requires a stride of axis.max_taps().
HEADRACE_HOST_DEVICE inline void write_taps(const Axis& axis, int i, const AxisTable& table,
                                            int entry) {
  const Taps taps = taps::make(axis, i, table.weights + entry * table.stride);
  table.first[entry] = taps.first;
  table.count[entry] = taps.count;
  table.constant_weight[entry] = taps.constant_weight;
}

// The level of output (entries `y` of `rows`, `x` of `columns`), channel c.
HEADRACE_HOST_DEVICE inline std::uint8_t resampled(const WirePlan& plan, const std::uint8_t* pixels,
                                                   int channels, const AxisTable& rows, int y,
                                                   const AxisTable& columns, int x, int c) {
  const std::int64_t row_bytes = std::int64_t{plan.columns.source} * channels;
  const std::int16_t* row_weights = rows.weights + y * rows.stride;
  const std::int16_t* column_weights = columns.weights + x * columns.stride;
  std::int32_t sum = columns.constant_weight[x] * (plan.constant << fixed::mid_bits);
  for (int k = 0; k < columns.count[x]; ++k) {
    const int column =
        taps::fill_index(columns.first[x] + k, plan.columns.source, plan.columns.fill);
    std::int32_t mid = rows.constant_weight[y] * plan.constant;
    for (int t = 0; t < rows.count[y]; ++t) {
      const int row = taps::fill_index(rows.first[y] + t, plan.rows.source, plan.rows.fill);
      mid += pixels[row * row_bytes + std::int64_t{column} * channels + c] * row_weights[t];
    }
    sum += fixed::mid_level(mid) * column_weights[k];
  }
  return static_cast<std::uint8_t>(fixed::level(sum));
}

HEADRACE_HOST_DEVICE inline void store(float value, ElementType type, std::byte* output,
                                       std::int64_t place) {
  if (type == ElementType::f16) {
    reinterpret_cast<std::uint16_t*>(output)[place] = to_f16(value);
  } else if (type == ElementType::bf16) {
    reinterpret_cast<std::uint16_t*>(output)[place] = to_bf16(value);
  } else {
    reinterpret_cast<float*>(output)[place] = value;
  }
}

// Writes what becomes of a level, or zero for a blank row.
HEADRACE_HOST_DEVICE inline void finish(const Job& job, std::uint8_t level, bool blank, int y,
                                        int x, int c, std::byte* output) {
  const std::int64_t pixel = std::int64_t{y} * job.width + x;
  const std::int64_t plane = std::int64_t{job.height} * job.width;
  const std::int64_t place = job.planes ? c * plane + pixel : pixel * job.pitch + c;
  if (job.type == ElementType::u8) {
    output[place] = static_cast<std::byte>(level);
    return;
  }
  const std::int64_t element = job.planes ? place : pixel * job.channels + c;
  const float offset = job.offsets[job.offset_of_each ? element : c];
  const float value = fixed::normalised(level, job.scales[c], offset);
  store(blank ? 0.0f : value, job.type, output, place);
}

// The channels of a pixel beyond the image's own.
HEADRACE_HOST_DEVICE inline void clear_padding(const Job& job, int y, int x, std::byte* output) {
  const std::int64_t pixel = (std::int64_t{y} * job.width + x) * job.pitch;
  for (int c = job.channels; c < job.pitch; ++c) {
    if (job.type == ElementType::u8) {
      output[pixel + c] = std::byte{0};
    } else {
      store(0, job.type, output, pixel + c);
    }
  }
}

// Where the pixels of a row are; null if it is blank.
HEADRACE_HOST_DEVICE inline const std::uint8_t* pixels_of(const Job& job, const std::byte* row,
                                                          const WirePlan& plan) {
  const std::byte* pixels = row + sizeof(WirePlan);
  if (plan.kind == WirePlan::Kind::blank) return nullptr;
  if (plan.kind == WirePlan::Kind::gather) pixels = job.resident + plan.record * job.image_bytes;
  return reinterpret_cast<const std::uint8_t*>(pixels);
}

// A whole row, as the kernel makes it.
void render_row(const Job& job, std::int64_t sample);

}  // namespace headrace::device_pixels
