#include "headrace/formats/baseline/region_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "headrace/formats/baseline/switches.h"

namespace headrace::baseline {
namespace {

template <class T>
T divide_up(T a, T b) {
  return (a + b - 1) / b;
}

// 8 times a level, before the shift (F.2.2.1 and A.3.3, for a block without AC coefficients).
bool fill_flat(int dc, std::uint8_t* row, std::size_t row_bytes, std::size_t side) {
  const int level = (dc + 4) >> 3;
  const bool is_level = level <= PixelKernels::most_level && level >= -PixelKernels::most_level;
  if (!trusts_files && !is_level) return false;
  const int value = std::clamp(level + 128, 0, 255);
  // A length that the compiler knows takes one store.
  if (side == block_side) {
    for (int y = 0; y < block_side; ++y, row += row_bytes) {
      std::memset(row, value, block_side);
    }
    return true;
  }
  for (std::size_t y = 0; y < side; ++y, row += row_bytes) std::memset(row, value, side);
  return true;
}

// The samples that `length` pixels from `first` on lie in, each covering `step` of these; with two
// more on each side if that is more than one.
SampleSpan samples_covering(int first, int length, int step, int samples) {
  const int margin = step == 1 ? 0 : 2;
  return {std::max(0, first / step - margin),
          std::min(samples - 1, (first + length - 1) / step + margin)};
}

}  // namespace

RegionDecoder::RegionDecoder(const PixelKernels& kernels) : kernels_(kernels) {
  pairings_[0].inverse_dct = kernels.inverse_dct;
  pairings_[1].inverse_dct = kernels.inverse_dct_to_4;
  pairings_[2].inverse_dct = kernels.inverse_dct_to_2;
}

bool RegionDecoder::can_decode(const Frame& frame, int eighths, int channels) {
  // At a lower resolution libjpeg makes twice the samples of blocks of chroma that is halved both
  // ways; of other chroma that is halved it has to interpolate still.
  const bool interpolates =
      channels == 3 && frame.count == 3 && frame.horizontal() != frame.vertical();
  return eighths == 8 || (!interpolates && (eighths == 4 || eighths == 2 || eighths == 1));
}

// Rows of MCUs that libjpeg reads to make lines up to the last: where it interpolates between rows
// of chroma, it holds the last lines of an MCU row back until it has read the next.
int RegionDecoder::rows_read(const Frame& frame, const Reach& reach) {
  const int lines = frame.lines_at_a_time * reach.eighths / 8;
  const bool interpolates =
      frame.count == 3 && reach.channels == 3 && frame.vertical() == 2 && reach.eighths == 8;
  const int wanted =
      divide_up(interpolates ? reach.bottom + frame.vertical() : reach.bottom, lines);
  return std::min(wanted * frame.lines_at_a_time / frame.mcu_size().height, frame.mcus().height);
}

RegionDecoder::Needed RegionDecoder::lay_out(const Frame& frame, std::span<const Wanted> wanted) {
  planes_used_ = wanted.size();
  Needed needed{{frame.mcus().height, 0}, {frame.mcus().width, 0}};
  const auto widen = [](Range& mcus, const Range& blocks, int factor) {
    mcus.first = std::min(mcus.first, blocks.first / factor);
    mcus.end = std::max(mcus.end, divide_up(blocks.end, factor));
  };
  for (std::size_t c = 0; c < planes_used_; ++c) {
    lay_out(planes_[c], wanted[c]);
    widen(needed.rows, planes_[c].rows, frame.components[c].vertical);
    widen(needed.columns, planes_[c].columns, frame.components[c].horizontal);
  }
  for (Pairing& pairing : pairings_) pairing.count = 0;
  find_blocks(frame, needed.columns);
  return needed;
}

void RegionDecoder::lay_out(Plane& plane, const Wanted& wanted) {
  plane.block_side = wanted.block_side;
  const auto found = std::find(sides.begin(), sides.end(), plane.block_side);
  // Blocks of one sample are flat.
  plane.pairing = found == sides.end() ? 0 : static_cast<std::size_t>(found - sides.begin());
  const auto blocks = [&plane](const SampleSpan& samples) {
    return Range{samples.first / plane.block_side, samples.last / plane.block_side + 1};
  };
  const auto side = static_cast<std::size_t>(plane.block_side);
  plane.rows = blocks(wanted.rows);
  plane.columns = blocks(wanted.columns);
  plane.view.top = plane.rows.first * plane.block_side;
  plane.view.left = plane.columns.first * plane.block_side;
  plane.view.row_bytes = static_cast<std::size_t>(plane.columns.end - plane.columns.first) * side;
  const std::size_t rows = static_cast<std::size_t>(plane.rows.end - plane.rows.first) * side;
  const std::size_t bytes = rows * plane.view.row_bytes + PixelKernels::slack;
  if (plane.memory.size() < bytes) plane.memory.resize(bytes);
  plane.view.data = plane.memory.data();
}

// Calls see(component, y, x) for each block of an MCU, in their order, of components that are used.
template <class See>
void RegionDecoder::for_each_block(const Frame& frame, const See& see) const {
  for (std::size_t c = 0; c < planes_used_; ++c) {
    for (int y = 0; y < frame.components[c].vertical; ++y) {
      for (int x = 0; x < frame.components[c].horizontal; ++x) see(c, y, x);
    }
  }
}

void RegionDecoder::find_blocks(const Frame& frame, const Range& columns) {
  std::size_t i = 0;
  mcu_.wanted_flat = 0;
  for_each_block(frame, [&](std::size_t c, int y, int x) {
    const Plane& plane = planes_[c];
    if (plane.block_side == 1) mcu_.wanted_flat |= 1u << i;
    blocks_[i++] = {c, plane.offset_of(y, x)};
  });
  wanted_in_column_.clear();
  for (int column = columns.first; column < columns.end; ++column) {
    wanted_in_column_.push_back(wanted_blocks(frame, [&](std::size_t c, int, int x) {
      return planes_[c].columns.contains(column * frame.components[c].horizontal + x);
    }));
  }
}

// A bit for each block of an MCU of which is_wanted(component, y, x).
template <class IsWanted>
unsigned RegionDecoder::wanted_blocks(const Frame& frame, const IsWanted& is_wanted) const {
  unsigned wanted = 0;
  unsigned bit = 1;
  for_each_block(frame, [&](std::size_t c, int y, int x) {
    if (is_wanted(c, y, x)) wanted |= bit;
    bit <<= 1;
  });
  return wanted;
}

// The next MCU is decoded to where the last one was.
void RegionDecoder::keep_waiting() {
  for (Pairing& pairing : pairings_) {
    BlockTransform& waiting = pairing.blocks[0];
    std::int16_t* const kept = pairing.kept.coefficients.data();
    if (pairing.count == 0 || waiting.coefficients == kept) continue;
    std::copy_n(waiting.coefficients, block_size, kept);
    waiting.coefficients = kept;
  }
}

bool RegionDecoder::finish_waiting() {
  for (Pairing& pairing : pairings_) {
    if (pairing.count == 0) continue;
    pairing.count = 0;
    if (!pairing.inverse_dct(pairing.blocks[0], pairing.blocks[0])) return false;
  }
  return true;
}

bool RegionDecoder::place_blocks(const Frame& frame) {
  for (unsigned rest = mcu_.wanted; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(rest));
    const std::size_t c = blocks_[i].component;
    const Plane& plane = planes_[c];
    const std::int16_t* const coefficients = mcu_.blocks[i].coefficients.data();
    const std::int16_t* const quantization = frame.components[c].quantization.data();
    std::uint8_t* const samples = plane.view.data + (plane.mcu + blocks_[i].offset);
    if ((mcu_.flat >> i & 1) != 0) {
      if (!fill_flat(coefficients[0] * quantization[0], samples, plane.view.row_bytes,
                     static_cast<std::size_t>(plane.block_side))) {
        return false;
      }
      continue;
    }
    Pairing& pairing = pairings_[plane.pairing];
    pairing.blocks[pairing.count] = {coefficients, quantization, samples, plane.view.row_bytes};
    if (++pairing.count < pairing.blocks.size()) continue;
    pairing.count = 0;
    if (!pairing.inverse_dct(pairing.blocks[0], pairing.blocks[1])) return false;
  }
  keep_waiting();
  return true;
}

bool RegionDecoder::decode_row(const Frame& frame, int row, Range columns) {
  for (std::size_t c = 0; c < planes_used_; ++c) {
    const Component& component = frame.components[c];
    Plane& plane = planes_[c];
    plane.mcu = plane.offset_of(row * component.vertical - plane.rows.first,
                                columns.first * component.horizontal - plane.columns.first);
  }
  const unsigned wanted_in_row = wanted_blocks(frame, [&](std::size_t c, int y, int) {
    return planes_[c].rows.contains(row * frame.components[c].vertical + y);
  });
  for (const unsigned wanted_in_column : wanted_in_column_) {
    mcu_.wanted = wanted_in_row & wanted_in_column;
    if (!entropy_.decode(mcu_) || !place_blocks(frame)) return false;
    for (std::size_t c = 0; c < planes_used_; ++c) {
      planes_[c].mcu += frame.components[c].horizontal * planes_[c].block_side;
    }
  }
  return finish_waiting();
}

bool RegionDecoder::go_to(std::int64_t mcu, const SeekPoints& points) {
  const std::int64_t point = std::min(mcu / SeekPoints::interval, points.count() - 1);
  const std::int64_t first = point * SeekPoints::interval;
  if (first > entropy_.next_mcu() && !entropy_.seek(first, points[point])) return false;
  return entropy_.skip(mcu - entropy_.next_mcu());
}

template <class Ready>
bool RegionDecoder::read(const Frame& frame, std::span<const std::byte> scan,
                         const SeekPoints& points, const Needed& needed, const Reach& reach,
                         const Ready& ready) {
  const std::int64_t width = frame.mcus().width;
  std::int64_t end = rows_read(frame, reach) * width;
  std::uint64_t bytes = EntropyCodedData::all;
  if (points.count() > 0) {
    end = (needed.rows.end - 1) * width + needed.columns.end;
    const std::int64_t next = divide_up(end, SeekPoints::interval);
    if (next < points.count()) bytes = points[next].bit / 8 + 1;
  }
  data_.take(scan, frame.restart_interval != 0, bytes);
  if (!entropy_.start(frame, data_)) return false;
  for (int row = needed.rows.first; row < needed.rows.end; ++row) {
    if (!go_to(row * width + needed.columns.first, points)) return false;
    if (!decode_row(frame, row, needed.columns)) return false;
    ready(row);
  }
  return end <= entropy_.next_mcu() || entropy_.skip(end - entropy_.next_mcu());
}

bool RegionDecoder::decode(const Frame& frame, std::span<const std::byte> scan,
                           const SeekPoints& points, const Region& region, int eighths,
                           Image& into) {
  const int channels = into.shape().channels;
  const bool whole = eighths == block_side;
  const SampleGrid grid{.components = frame.count,
                        .halved_rows = whole && frame.vertical() == 2,
                        .halved_columns = whole && frame.horizontal() == 2,
                        .chroma = frame.components[2].size};
  std::array<Wanted, 3> wanted{};
  const auto used = std::span(wanted).first(channels == 1 ? 1 : frame.used().size());
  for (std::size_t c = 0; c < used.size(); ++c) {
    const Component& component = frame.components[c];
    used[c] = {
        samples_of(region.top, region.height, c > 0 && grid.halved_rows, component.size.height),
        samples_of(region.left, region.width, c > 0 && grid.halved_columns, component.size.width),
        whole ? block_side : eighths * frame.horizontal() / component.horizontal};
  }
  const Needed needed = lay_out(frame, used);
  std::array<PlaneView, 3> views;
  for (std::size_t c = 0; c < planes_used_; ++c) views[c] = planes_[c].view;
  const int bottom = region.top + region.height;
  const int lines = frame.vertical() * eighths;
  int y = region.top;
  const auto make_rows = [&](int row) {
    // The last line of an MCU row needs the chroma of the next.
    const int ready = row + 1 == needed.rows.end ? bottom : (row + 1) * lines - 1;
    for (; y < std::min(ready, bottom); ++y) {
      upsampler_.make_row(grid, kernels_, std::span(views).first(planes_used_), y, region.left,
                          region.width, channels, into.row<std::uint8_t>(y - region.top));
    }
  };
  return read(frame, scan, points, needed, {bottom, channels, eighths}, make_rows);
}

bool RegionDecoder::decode_planes(const Frame& frame, std::span<const std::byte> scan,
                                  const SeekPoints& points, const Region& region,
                                  ColourPlanes& into) {
  std::array<Wanted, 3> wanted{};
  for (std::size_t c = 0; c < wanted.size(); ++c) {
    const Component& component = frame.components[c];
    ColourPlanes::Plane& plane = into.planes[c];
    plane.whole = component.size;
    plane.step = {frame.vertical() / component.vertical, frame.horizontal() / component.horizontal};
    wanted[c] = {
        samples_covering(region.top, region.height, plane.step.height, component.size.height),
        samples_covering(region.left, region.width, plane.step.width, component.size.width),
        block_side};
  }
  const Needed needed = lay_out(frame, wanted);
  const Reach reach{region.top + region.height, 3, block_side};
  if (!read(frame, scan, points, needed, reach, [](int) {})) return false;
  for (std::size_t c = 0; c < wanted.size(); ++c) {
    const SampleSpan& rows = wanted[c].rows;
    const SampleSpan& columns = wanted[c].columns;
    const PlaneView& view = planes_[c].view;
    ColourPlanes::Plane& plane = into.planes[c];
    plane.region = {rows.first, columns.first, rows.last - rows.first + 1,
                    columns.last - columns.first + 1};
    plane.pixels = {reinterpret_cast<const std::byte*>(view.at(rows.first, columns.first)),
                    {plane.region.height, plane.region.width, 1},
                    view.row_bytes,
                    ElementType::u8};
  }
  into.to_rgb = kernels_.to_rgb;
  return true;
}

}  // namespace headrace::baseline
