#include "headrace/formats/baseline/frame.h"

#include <algorithm>

#include "headrace/formats/libjpeg.h"

namespace headrace::baseline {
namespace {

// Chroma of fewer columns is upsampled by repeating it, not by interpolation: left to libjpeg.
constexpr int least_columns = 3;

int divide_up(int a, int b) { return (a + b - 1) / b; }

bool copy_spec(const JHUFF_TBL* table, HuffmanSpec& into) {
  if (table == nullptr) return false;
  std::copy_n(table->bits + 1, into.counts.size(), into.counts.begin());
  std::copy_n(table->huffval, into.symbols.size(), into.symbols.begin());
  return true;
}

bool copy_quantization(const JQUANT_TBL* table, Component& into) {
  if (table == nullptr) return false;
  for (std::size_t i = 0; i < block_size; ++i) {
    const unsigned value = table->quantval[i];
    if (value == 0 || value > most_quantization) return false;
    into.quantization[i] = static_cast<std::int16_t>(value);
  }
  return true;
}

bool is_sequential_scan(const jpeg_decompress_struct& info) {
  return !info.progressive_mode && !info.arith_code && info.data_precision == 8 &&
         info.comps_in_scan == info.num_components && info.Ss == 0 &&
         info.Se == static_cast<int>(block_size) - 1 && info.Ah == 0 && info.Al == 0;
}

bool has_known_layout(const jpeg_decompress_struct& info) {
  const jpeg_component_info* const c = info.comp_info;
  if (info.num_components == 1) {
    return info.jpeg_color_space == JCS_GRAYSCALE && c[0].h_samp_factor <= 2 &&
           c[0].v_samp_factor <= 2;
  }
  return info.num_components == 3 && info.jpeg_color_space == JCS_YCbCr && !info.CCIR601_sampling &&
         c[0].h_samp_factor <= 2 && c[0].v_samp_factor <= 2 && c[1].h_samp_factor == 1 &&
         c[1].v_samp_factor == 1 && c[2].h_samp_factor == 1 && c[2].v_samp_factor == 1;
}

}  // namespace

ImageSize Frame::mcus() const {
  const ImageSize mcu = mcu_size();
  return {divide_up(size.height, mcu.height), divide_up(size.width, mcu.width)};
}

std::optional<Frame> frame_of(const jpeg_decompress_struct& info) {
  if (!is_sequential_scan(info) || !has_known_layout(info)) return std::nullopt;
  std::optional<Frame> found(std::in_place);
  Frame& frame = *found;
  frame.size = {static_cast<int>(info.image_height), static_cast<int>(info.image_width)};
  frame.count = info.num_components;
  frame.restart_interval = info.restart_interval;
  frame.lines_at_a_time = info.comp_info[0].v_samp_factor * block_side;
  for (int i = 0; i < frame.count; ++i) {
    const jpeg_component_info& from = info.comp_info[i];
    Component& component = frame.components[static_cast<std::size_t>(i)];
    if (info.cur_comp_info[i] != &from || from.dc_tbl_no < 0 || from.dc_tbl_no >= NUM_HUFF_TBLS ||
        from.ac_tbl_no < 0 || from.ac_tbl_no >= NUM_HUFF_TBLS || from.quant_tbl_no < 0 ||
        from.quant_tbl_no >= NUM_QUANT_TBLS ||
        !copy_spec(info.dc_huff_tbl_ptrs[from.dc_tbl_no], component.dc) ||
        !copy_spec(info.ac_huff_tbl_ptrs[from.ac_tbl_no], component.ac) ||
        !copy_quantization(info.quant_tbl_ptrs[from.quant_tbl_no], component)) {
      return std::nullopt;
    }
    // One component alone is not interleaved: its MCU is a block, whatever the factors (A.2.2).
    if (frame.count == 3) {
      component.horizontal = from.h_samp_factor;
      component.vertical = from.v_samp_factor;
    }
  }
  for (Component& component : frame.components) {
    component.size = {divide_up(frame.size.height * component.vertical, frame.vertical()),
                      divide_up(frame.size.width * component.horizontal, frame.horizontal())};
  }
  const bool interpolated = frame.count == 3 && frame.horizontal() == 2;
  if (interpolated && frame.components[1].size.width < least_columns) return std::nullopt;
  return found;
}

}  // namespace headrace::baseline
