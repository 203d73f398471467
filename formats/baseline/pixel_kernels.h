#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headrace::baseline {

// A block on its way from coefficients to samples.
struct BlockTransform {
  const std::int16_t* coefficients;  // none is -2^15
  const std::int16_t* quantization;  // each in 1..most_quantization
  std::uint8_t* samples;             // 8 rows of 8; or what a reduced transform makes
  std::size_t row_bytes;
};

// Up to which the sum of a block's dequantized coefficients, whatever these are, fits 31 bits.
constexpr int most_quantization = 4095;

// How chroma is brought to twice its columns: out[2 i] = (3 in[i] + in[i - 1] + even) >> shift, and
// out[2 i + 1] = (3 in[i] + in[i + 1] + odd) >> shift.
struct Interpolation {
  unsigned even;
  unsigned odd;
  unsigned shift;
};

// The inner loops behind entropy decoding. Every set gives the same bytes, which are libjpeg's.
// Rows may be read and written up to `slack` elements beyond their end, except that of RGB.
struct PixelKernels {
  static constexpr std::size_t slack = 64;
  // The sum of absolute dequantized coefficients up to which nothing leaves 16 bits in the
  // vectorised inverse DCT, libjpeg-turbo's or this one; no block that was made from pixels comes
  // near its square sum. Beyond it, and for samples that are further than 511 from the middle,
  // libjpeg's own sets of code differ.
  static constexpr int most_energy = 5900;
  static constexpr int most_level = 511;

  const char* name;

  // The accurate inverse DCT ("islow": Loeffler, Ligtenberg and Moschytz, 13-bit constants, columns
  // first, 2 more bits between the passes), level shift (ITU-T T.81, A.3.1) and clamping, of two
  // blocks, which may be the same. False if one is beyond the limits above; samples are then of no
  // use.
  using InverseDct = bool (*)(const BlockTransform& a, const BlockTransform& b);
  InverseDct inverse_dct;
  // To 4 rows of 4 and 2 of 2 samples, each the mean of what four, or sixteen, would be: as libjpeg
  // decodes at a lower resolution.
  InverseDct inverse_dct_to_4;
  InverseDct inverse_dct_to_2;

  // out[i] = 3 near[i] + far[i]
  void (*blend_rows)(const std::uint8_t* near, const std::uint8_t* far, std::size_t count,
                     std::uint16_t* out);

  // Requires in[-1] and in[count].
  void (*interpolate)(const std::uint16_t* in, std::size_t count, const Interpolation& how,
                      std::uint8_t* out);

  // JFIF's YCbCr to RGB in libjpeg's fixed point, 16 bits: R = Y + 1.402 Cr, G = Y - 0.34414 Cb -
  // 0.71414 Cr, B = Y + 1.772 Cb, with Cb and Cr less 128.
  void (*to_rgb)(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
                 std::size_t count, std::uint8_t* rgb);
};

// Portable code first, then what this CPU can run, the fastest last.
const std::vector<const PixelKernels*>& available_pixel_kernels();
inline const PixelKernels& best_pixel_kernels() { return *available_pixel_kernels().back(); }

// Null where the compiler or the CPU lacks the instructions.
const PixelKernels& portable_pixel_kernels();
const PixelKernels* avx2_pixel_kernels();

}  // namespace headrace::baseline
