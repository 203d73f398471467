#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "headrace/formats/baseline/huffman_table.h"
#include "headrace/formats/baseline/pixel_kernels.h"
#include "headrace/pipeline/image.h"

struct jpeg_decompress_struct;

namespace headrace::baseline {

constexpr int block_side = 8;
constexpr std::size_t block_size = 64;

// Levels of brightness (Y) and colour (Cb, Cr), or of grey. ITU-T T.81, A.1.1.
struct Component {
  int horizontal = 1;  // sampling factors
  int vertical = 1;
  ImageSize size;  // in samples
  HuffmanSpec dc;
  HuffmanSpec ac;
  // In natural order, each in 1..most_quantization.
  std::array<std::int16_t, block_size> quantization{};
};

// What the headers of a file say that RegionDecoder decodes: 8 bits a sample, Huffman-coded, one
// sequential scan with all components; grey, or YCbCr with chroma at full or half resolution each
// way.
struct Frame {
  ImageSize size;
  int count = 0;  // of components, 1 or 3
  std::array<Component, 3> components;
  // MCUs; 0 if there are no restart markers.
  unsigned restart_interval = 0;
  // In lines; what libjpeg decodes at a time.
  int lines_at_a_time = block_side;

  std::span<const Component> used() const {
    return std::span(components).first(static_cast<std::size_t>(count));
  }
  int horizontal() const { return components[0].horizontal; }
  int vertical() const { return components[0].vertical; }
  // In luma samples.
  ImageSize mcu_size() const { return {vertical() * block_side, horizontal() * block_side}; }
  ImageSize mcus() const;  // rows and columns of them
  bool is_subsampled() const { return count == 3 && horizontal() * vertical() > 1; }
  int blocks_per_mcu() const { return count == 1 ? 1 : horizontal() * vertical() + 2; }
};

// What libjpeg read up to the start of the scan, if that is such a file.
std::optional<Frame> frame_of(const jpeg_decompress_struct& info);

}  // namespace headrace::baseline
