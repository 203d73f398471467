#include "headrace/augment/device_pixels.h"

#include <cstring>
#include <vector>

namespace headrace::device_pixels {
namespace {

// What the kernel keeps in its fast memory.
struct Table {
  explicit Table(const Axis& axis)
      : memory(table_bytes(axis, 1)), table(make_table(axis, 1, memory.data())) {
    for (int i = 0; i < axis.output; ++i) write_taps(axis, i, table, i);
  }
  std::vector<std::byte> memory;
  AxisTable table;
};

}  // namespace

void render_row(const Job& job, std::int64_t sample) {
  const std::byte* row = job.rows + static_cast<std::size_t>(sample) * job.row_bytes;
  std::byte* output = job.output + static_cast<std::size_t>(sample) * job.output_row_bytes;
  WirePlan plan;
  std::memcpy(&plan, row, sizeof plan);
  const std::uint8_t* pixels = pixels_of(job, row, plan);
  const bool resamples = plan.kind == WirePlan::Kind::image || plan.kind == WirePlan::Kind::gather;
  const Table rows(resamples ? plan.rows : Axis{});
  const Table columns(resamples ? plan.columns : Axis{});
  for (int y = 0; y < job.height; ++y) {
    for (int x = 0; x < job.width; ++x) {
      for (int c = 0; c < job.channels; ++c) {
        std::uint8_t level = 0;
        if (resamples) {
          level = resampled(plan, pixels, job.channels, rows.table, y, columns.table, x, c);
        } else if (pixels != nullptr) {
          level = pixels[(std::int64_t{y} * job.width + x) * job.channels + c];
        }
        finish(job, level, pixels == nullptr, y, x, c, output);
      }
      if (!job.planes) clear_padding(job, y, x, output);
    }
  }
}

}  // namespace headrace::device_pixels
