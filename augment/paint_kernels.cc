#include "headrace/augment/paint_kernels.h"

#include "headrace/augment/colour_loops.h"
#include "headrace/augment/kernels_x86.h"
#include "headrace/augment/paint_loops.h"
#include "headrace/augment/place_loops.h"

// The functions of a set: the loops, for the instructions of `target` and vectors of `bytes`.
#define HEADRACE_PAINT_KERNELS(bytes, target)                                                     \
  using Floats = float __attribute__((vector_size(bytes)));                                       \
                                                                                                  \
  target void look_up(std::uint8_t* levels, std::size_t count, const std::uint8_t(*tables)[256],  \
                      std::size_t channels) {                                                     \
    paint_loops::look_up(levels, count, tables, channels);                                        \
  }                                                                                               \
  target std::uint64_t sum_luma(const std::uint8_t* levels, std::size_t pixels) {                 \
    return paint_loops::sum_luma<Colours>(levels, pixels);                                        \
  }                                                                                               \
  target void find_range(const std::uint8_t* levels, std::size_t count, std::size_t period,       \
                         std::uint8_t* least, std::uint8_t* greatest) {                           \
    paint_loops::find_range(levels, count, period, least, greatest);                              \
  }                                                                                               \
  target void to_grey(std::uint8_t* levels, std::size_t pixels) {                                 \
    paint_loops::to_grey<Colours>(levels, pixels);                                                \
  }                                                                                               \
  target void scale_saturation(std::uint8_t* levels, std::size_t pixels, float factor) {          \
    paint_loops::scale_saturation<Colours>(levels, pixels, factor);                               \
  }                                                                                               \
  target void turn_hue(std::uint8_t* levels, std::size_t pixels, float sixths) {                  \
    paint_loops::turn_hue<Colours>(levels, pixels, sixths);                                       \
  }                                                                                               \
  target void invert_from(std::uint8_t threshold, std::uint8_t* levels, std::size_t count) {      \
    paint_loops::invert_from(threshold, levels, count);                                           \
  }                                                                                               \
  target void sharpen(const std::uint8_t* above, const std::uint8_t* row,                         \
                      const std::uint8_t* below, std::size_t channels, std::size_t count,         \
                      float factor, std::uint8_t* out) {                                          \
    paint_loops::sharpen(above, row, below, channels, count, factor, out);                        \
  }                                                                                               \
  target void weigh(const float* const* rows, const float* weights, std::size_t taps,             \
                    std::size_t count, float* sums) {                                             \
    paint_loops::weigh<Floats>(rows, weights, taps, count, sums);                                 \
  }                                                                                               \
  target void to_values(const std::uint8_t* levels, std::size_t count, float* out) {              \
    paint_loops::to_values(levels, count, out);                                                   \
  }                                                                                               \
  target void round_levels(const float* values, std::size_t count, std::uint8_t* out) {           \
    paint_loops::round_levels(values, count, out);                                                \
  }                                                                                               \
  target void project(const ProjectedRow& row, std::size_t count, std::int32_t* x,                \
                      std::int32_t* y) {                                                          \
    paint_loops::project(row, count, x, y);                                                       \
  }                                                                                               \
  target void noise(std::uint64_t seed, std::uint64_t epoch, std::size_t count, float* numbers) { \
    paint_loops::noise(seed, epoch, count, numbers);                                              \
  }                                                                                               \
  target void displace(const float* field, float strength, std::int32_t row, std::size_t count,   \
                       std::int32_t* x, std::int32_t* y) {                                        \
    paint_loops::displace(field, strength, row, count, x, y);                                     \
  }                                                                                               \
  PaintKernels kernels() {                                                                        \
    return {look_up, sum_luma, find_range, to_grey,      scale_saturation, turn_hue, invert_from, \
            sharpen, weigh,    to_values,  round_levels, project,          noise,    displace};   \
  }

namespace headrace {
namespace {

namespace portable {
struct Colours {
  static constexpr auto split = headrace::split_colours;
  static constexpr auto join = headrace::join_colours;
};
HEADRACE_PAINT_KERNELS(16, )
}  // namespace portable

#if defined(__x86_64__)
namespace avx2 {
struct Colours {
  static constexpr auto split = x86::split_colours;
  static constexpr auto join = x86::join_colours;
};
HEADRACE_PAINT_KERNELS(32, __attribute__((target("avx2"))))
}  // namespace avx2
namespace avx512 {
struct Colours {
  static constexpr auto split = x86::split_colours_wide;
  static constexpr auto join = x86::join_colours_wide;
};
HEADRACE_PAINT_KERNELS(64, __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))))
}  // namespace avx512
#endif

}  // namespace

const PaintKernels& portable_paint_kernels() {
  static const PaintKernels kernels = portable::kernels();
  return kernels;
}

#if defined(__x86_64__)

const PaintKernels& avx2_paint_kernels() {
  static const PaintKernels kernels = avx2::kernels();
  return kernels;
}

const PaintKernels& avx512_paint_kernels() {
  static const PaintKernels kernels = [] {
    if (!x86::has_wide_bytes() || __builtin_cpu_supports("avx512dq") == 0) return avx2::kernels();
    PaintKernels wide = avx512::kernels();
    wide.look_up = x86::look_up_wide;
    return wide;
  }();
  return kernels;
}

#endif

}  // namespace headrace
