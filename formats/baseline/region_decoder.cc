#include "headrace/formats/baseline/region_decoder.h"

#include <algorithm>
#include <cstring>

namespace headrace::baseline {
namespace {

constexpr std::size_t side = block_side;

template <class T>
T divide_up(T a, T b) {
  return (a + b - 1) / b;
}

// Rows of MCUs that libjpeg reads to make lines up to `bottom`: where it interpolates between rows
// of chroma, it holds the last lines of an MCU row back until it has read the next.
int rows_read(const Frame& frame, int bottom, int channels) {
  const int lines = frame.lines_at_a_time;
  const bool interpolates = frame.count == 3 && channels == 3 && frame.vertical() == 2;
  const int wanted = divide_up(interpolates ? bottom + frame.vertical() : bottom, lines);
  return std::min(wanted * lines / frame.mcu_size().height, frame.mcus().height);
}

// 8 times a level, before the shift (F.2.2.1 and A.3.3, for a block without AC coefficients).
bool fill_flat(int dc, std::uint8_t* samples, std::size_t row_bytes) {
  const int level = (dc + 4) >> 3;
  if (level > PixelKernels::most_level || level < -PixelKernels::most_level) return false;
  const int value = std::clamp(level + 128, 0, 255);
  for (std::size_t y = 0; y < side; ++y) std::memset(samples + y * row_bytes, value, side);
  return true;
}

}  // namespace

RegionDecoder::Needed RegionDecoder::lay_out(const Frame& frame, const Region& region,
                                             std::size_t channels) {
  planes_used_ = channels == 1 ? 1 : static_cast<std::size_t>(frame.count);
  Needed needed{{frame.mcus().height, 0}, {frame.mcus().width, 0}};
  const auto widen = [](Range& mcus, const Range& blocks, int factor) {
    mcus.first = std::min(mcus.first, blocks.first / factor);
    mcus.end = std::max(mcus.end, divide_up(blocks.end, factor));
  };
  for (std::size_t c = 0; c < planes_used_; ++c) {
    const Component& component = frame.components[c];
    Plane& plane = planes_[c];
    const auto blocks = [](const SampleSpan& samples) {
      return Range{samples.first / block_side, samples.last / block_side + 1};
    };
    plane.rows = blocks(samples_of(region.top, region.height, component.vertical < frame.vertical(),
                                   component.size.height));
    plane.columns =
        blocks(samples_of(region.left, region.width, component.horizontal < frame.horizontal(),
                          component.size.width));
    plane.view.top = plane.rows.first * block_side;
    plane.view.left = plane.columns.first * block_side;
    plane.view.row_bytes = static_cast<std::size_t>(plane.columns.end - plane.columns.first) * side;
    const std::size_t rows = static_cast<std::size_t>(plane.rows.end - plane.rows.first) * side;
    const std::size_t bytes = rows * plane.view.row_bytes + PixelKernels::slack;
    if (plane.memory.size() < bytes) plane.memory.resize(bytes);
    plane.view.data = plane.memory.data();
    plane.waiting_samples = nullptr;
    widen(needed.rows, plane.rows, component.vertical);
    widen(needed.columns, plane.columns, component.horizontal);
  }
  return needed;
}

unsigned RegionDecoder::wanted_blocks(const Frame& frame, int row, int column) const {
  unsigned wanted = 0;
  unsigned bit = 1;
  for (std::size_t c = 0; c < planes_used_; ++c) {
    const Component& component = frame.components[c];
    const Plane& plane = planes_[c];
    for (int y = 0; y < component.vertical; ++y) {
      for (int x = 0; x < component.horizontal; ++x, bit <<= 1) {
        const bool inside = plane.rows.contains(row * component.vertical + y) &&
                            plane.columns.contains(column * component.horizontal + x);
        if (inside) wanted |= bit;
      }
    }
  }
  return wanted;
}

bool RegionDecoder::transform(const Component& component, Plane& plane, const Block& block,
                              std::uint8_t* samples) {
  if (plane.waiting_samples == nullptr) {
    plane.waiting = block;
    plane.waiting_samples = samples;
    return true;
  }
  const BlockPair pair{{plane.waiting.coefficients.data(), block.coefficients.data()},
                       component.quantization.data(),
                       {plane.waiting_samples, samples},
                       plane.view.row_bytes};
  plane.waiting_samples = nullptr;
  return kernels_.inverse_dct(pair);
}

bool RegionDecoder::finish_waiting(const Component& component, Plane& plane) {
  if (plane.waiting_samples == nullptr) return true;
  const Block again = plane.waiting;
  return transform(component, plane, again, plane.waiting_samples);
}

bool RegionDecoder::place_blocks(const Frame& frame, int row, int column,
                                 const EntropyDecoder::Mcu& mcu) {
  std::size_t i = 0;
  for (std::size_t c = 0; c < planes_used_; ++c) {
    const Component& component = frame.components[c];
    Plane& plane = planes_[c];
    for (int y = 0; y < component.vertical; ++y) {
      for (int x = 0; x < component.horizontal; ++x, ++i) {
        if ((mcu.wanted >> i & 1) == 0) continue;
        const Block& block = mcu.blocks[i];
        std::uint8_t* const samples =
            plane.view.at((row * component.vertical + y) * block_side,
                          (column * component.horizontal + x) * block_side);
        const bool good = (mcu.flat >> i & 1) != 0
                              ? fill_flat(block.coefficients[0] * component.quantization[0],
                                          samples, plane.view.row_bytes)
                              : transform(component, plane, block, samples);
        if (!good) return false;
      }
    }
  }
  return true;
}

bool RegionDecoder::decode_row(const Frame& frame, int row, Range columns) {
  for (int column = columns.first; column < columns.end; ++column) {
    mcu_.wanted = wanted_blocks(frame, row, column);
    if (!entropy_.decode(mcu_) || !place_blocks(frame, row, column, mcu_)) return false;
  }
  for (std::size_t c = 0; c < planes_used_; ++c) {
    if (!finish_waiting(frame.components[c], planes_[c])) return false;
  }
  return true;
}

bool RegionDecoder::go_to(std::int64_t mcu, const SeekPoints& points) {
  const std::int64_t point = std::min(mcu / SeekPoints::interval, points.count() - 1);
  const std::int64_t first = point * SeekPoints::interval;
  if (first > entropy_.next_mcu() && !entropy_.seek(first, points[point])) return false;
  return entropy_.skip(mcu - entropy_.next_mcu());
}

bool RegionDecoder::decode(const Frame& frame, std::span<const std::byte> scan,
                           const SeekPoints& points, const Region& region, Image& into) {
  const int channels = into.shape().channels;
  const Needed needed = lay_out(frame, region, static_cast<std::size_t>(channels));
  const std::int64_t width = frame.mcus().width;
  const int bottom = region.top + region.height;
  std::int64_t end = rows_read(frame, bottom, channels) * width;
  std::uint64_t bytes = EntropyCodedData::all;
  if (points.count() > 0) {
    end = (needed.rows.end - 1) * width + needed.columns.end;
    const std::int64_t next = divide_up(end, SeekPoints::interval);
    if (next < points.count()) bytes = points[next].bit / 8 + 1;
  }
  data_.take(scan, frame.restart_interval != 0, bytes);
  if (!entropy_.start(frame, data_)) return false;

  std::array<PlaneView, 3> views;
  for (std::size_t c = 0; c < planes_used_; ++c) views[c] = planes_[c].view;
  int y = region.top;
  for (int row = needed.rows.first; row < needed.rows.end; ++row) {
    if (!go_to(row * width + needed.columns.first, points)) return false;
    if (!decode_row(frame, row, needed.columns)) return false;
    // The last line of an MCU row needs the chroma of the next.
    const int ready = row + 1 == needed.rows.end ? bottom : (row + 1) * frame.mcu_size().height - 1;
    for (; y < std::min(ready, bottom); ++y) {
      upsampler_.make_row(frame, kernels_, std::span(views).first(planes_used_), y, region.left,
                          region.width, channels, into.row<std::uint8_t>(y - region.top));
    }
  }
  return end <= entropy_.next_mcu() || entropy_.skip(end - entropy_.next_mcu());
}

}  // namespace headrace::baseline
