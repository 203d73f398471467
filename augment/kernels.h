#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "headrace/augment/paint_kernels.h"
#include "headrace/pipeline/image.h"

namespace headrace {

// How output columns are blended from a row of mid levels. Weights lie as vectors want them: of two
// neighbouring outputs, two taps each, in turn: weights[x / 2][t / 2][x % 2][t % 2], with zeros for
// taps (and an output) that there are not.
struct ColumnBlend {
  int width = 0;  // outputs
  int channels = 0;
  int taps = 0;                         // of every output, an even number
  const std::int32_t* first = nullptr;  // pixel of the row at which an output's taps begin
  const std::int32_t* bias = nullptr;   // the constant's part of an output's sum
  const std::int16_t* weights = nullptr;
  const std::byte* prepared = nullptr;  // what Kernels::prepare_columns made of the rest, if any

  // Both have an entry for an even number of outputs.
  static std::size_t even(int count) { return static_cast<std::size_t>(count + count % 2); }
  std::size_t weight_index(int x, int t) const {
    return static_cast<std::size_t>(x / 2 * 2 * taps + t / 2 * 4 + x % 2 * 2 + t % 2);
  }
};

// A factor and a summand for each of a run of elements.
struct Normalisation {
  static constexpr std::size_t multiple = 16;  // so that vectors never straddle a period

  const float* scale;   // element e's at e % period
  const float* offset;  // the same if it repeats, else element e's at e
  std::size_t period;   // a multiple of `multiple`
  bool offset_repeats;
  ElementType type;  // of what is made: f32, f16 or bf16
  // That what is made is of no use in a cache; kernels may then write past it, if `out` is aligned
  // as a batch's rows are.
  bool streams = false;
};

// A row of outputs on a straight line through the source, of at least 2x2 pixels. Coordinates are
// those of pixels at whole numbers, in 2^-32 pixels; those of a column are taken to 2^-14 pixels
// and clamped to the image's pixels, as are those of a row.
struct AffineRun {
  const std::uint8_t* pixels = nullptr;  // `bytes` of them may be read
  std::ptrdiff_t bytes = 0;
  std::ptrdiff_t first = 0;  // bytes from `pixels` to the source's pixel (0, 0)
  std::ptrdiff_t pitch = 0;
  int channels = 0;
  int columns = 0;
  int rows = 0;
  std::int64_t x = 0, y = 0;    // of the first output
  std::int64_t dx = 0, dy = 0;  // from one to the next
};

// A row of outputs on a straight line through a copy of an image of three channels in which each
// row's bytes lie in turn with those of the row below, so that one load finds the 2x2 pixels around
// a place. Coordinates as AffineRun's, of pixels of the copy.
struct PairedRun {
  enum class Beyond : std::uint8_t { nearest, mirror, repeat };
  // What becomes of a coordinate c, in 2^-14 pixels; then it is clamped to [0, last].
  //   mirror  min(c', high - c') of c' = max(c, low - c)
  //   repeat  c + period if c < 0, c - period if c > high
  struct Border {
    std::int32_t last = 0;
    std::int32_t low = -(1 << 30);
    std::int32_t high = 1 << 30;
    std::int32_t period = 0;
  };

  const std::uint8_t* pixels = nullptr;  // 16 bytes may be read at any pixel up to `last`
  std::int32_t pitch = 0;                // bytes of a row, less than 2^15; so is the number of rows
  Beyond beyond = Beyond::nearest;
  Border across;
  Border down;
  std::int64_t x = 0, y = 0;    // of the first output
  std::int64_t dx = 0, dy = 0;  // from one to the next
};

// The inner loops of rendering u8 images; the arithmetic is that of fixed_point.h, and every set of
// kernels gives the same bits. Rows of mid levels and of blended bytes may be read and written up
// to `slack` bytes beyond their end (pixels that have a weight, be it 0, belong to the row); all
// other memory is touched exactly.
struct Kernels {
  static constexpr std::size_t slack = 128;

  const char* name;

  // mid[e] = mid_level(bias + sum over t < taps of rows[t][e] * weights[t]), e < count. The number
  // of taps is even (the last may have a weight of 0), and bias is 0 if a weight is one.
  void (*blend_rows)(const std::uint8_t* const* rows, const std::int16_t* weights, int taps,
                     std::int32_t bias, std::size_t count, std::int16_t* mid);

  // Rows that begin `pitch` elements apart in `mid` become rows of `count` bytes that follow one
  // another: out[e] = level(mid[e] * (one - second) + mid[e + distance] * second), e < count;
  // second < one.
  void (*blend_shifted)(const std::int16_t* mid, std::size_t pitch, int rows, int distance,
                        std::int16_t second, std::size_t count, std::uint8_t* out);

  // Memory for prepare_columns(), 64-byte aligned; 0 if there is nothing to prepare.
  std::size_t (*prepared_bytes)(int width, int channels, int taps);
  // What blend_columns() wants to know of all rows, made once. Null, or in `memory`.
  const std::byte* (*prepare_columns)(const ColumnBlend& blend, std::byte* memory);
  // Rows that begin `pitch` elements apart in `mid` become rows of outputs that follow one another:
  // out[x, c] = level(bias[x] + sum over t of mid[first[x] + t, c] * weight(x, t)).
  void (*blend_columns)(const std::int16_t* mid, std::size_t pitch, int rows,
                        const ColumnBlend& blend, std::uint8_t* out);

  // Of each output the 2x2 pixels around it, blended by fixed::mid_level down, then fixed::level
  // across; or the pixel that is nearest. Every coordinate is nearer than 2^16 pixels.
  void (*sample_linear)(const AffineRun& run, int count, std::uint8_t* out);
  void (*sample_nearest)(const AffineRun& run, int count, std::uint8_t* out);

  // The copy that a PairedRun samples: out[2 e] = above[e], out[2 e + 1] = below[e], e < count.
  // Null, as the next, where portable code would not gain by it.
  void (*pair_rows)(const std::uint8_t* above, const std::uint8_t* below, std::size_t count,
                    std::uint8_t* out);
  // As sample_linear(). The outputs follow one another; slack is used in any case.
  void (*sample_pairs)(const PairedRun& run, int count, std::uint8_t* out);
  // The same of outputs that lie anywhere: at run.x + x, run.y + y, of places in 2^-14 pixels. They
  // may be read up to `places_at_once` of them.
  static constexpr int places_at_once = 16;
  void (*sample_places)(const PairedRun& run, const std::int32_t* x, const std::int32_t* y,
                        int count, std::uint8_t* out);

  // out[y, width - 1 - x, c] = in[y, x, c], rows that follow one another.
  void (*mirror)(const std::uint8_t* in, int rows, int width, int channels, std::uint8_t* out);

  // out[c][x] = in[x][c], x < pixels: planes that follow one another. Not of one channel.
  void (*split)(const std::uint8_t* in, int channels, std::size_t pixels, std::uint8_t* out);

  // level = level * factor + summand, clipped to [0, 255] and cut to a whole one.
  void (*scale_levels)(std::uint8_t* levels, std::size_t count, float factor, float summand);

  // out[e] = in[e] * scale + offset, e < count, as Normalisation says.
  void (*normalise)(const std::uint8_t* in, const Normalisation& numbers, std::size_t count,
                    std::byte* out);
  const PaintKernels* painting;

  // To be called before other threads are told of what normalise() wrote past the caches.
  void (*settle)();
};

// Portable code first, then what this CPU can run, the fastest last.
const std::vector<const Kernels*>& available_kernels();
inline const Kernels& best_kernels() { return *available_kernels().back(); }

// Null where the compiler or the CPU lacks the instructions.
const Kernels& portable_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

}  // namespace headrace
