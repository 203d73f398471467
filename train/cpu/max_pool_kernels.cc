#include "headrace/train/cpu/max_pool_kernels.h"

#include <limits>

#include "headrace/train/cpu/clones.h"

namespace headrace::cpu {
namespace {

constexpr std::int64_t lanes = 16;
using Floats __attribute__((vector_size(64), aligned(4), may_alias)) = float;
using Ints __attribute__((vector_size(64))) = std::int32_t;
using Bytes __attribute__((vector_size(16), aligned(1), may_alias)) = std::uint8_t;

}  // namespace

HEADRACE_CLONES
void pool_forward(const PoolRow& row, const float* x, float* y, std::uint8_t* winners) {
  for (std::int64_t window = 0; window < row.windows; ++window) {
    std::int64_t c = 0;
    for (; c + lanes <= row.channels; c += lanes) {
      Floats best = *reinterpret_cast<const Floats*>(x + c);
      Ints winner = Ints{} + static_cast<std::int32_t>(row.first_place);
      for (std::int64_t i = 0; i < row.high; ++i) {
        for (std::int64_t j = 0; j < row.wide; ++j) {
          const float* at = x + c + i * row.line_step + j * row.pixel_step;
          const Floats value = *reinterpret_cast<const Floats*>(at);
          const Ints place =
              Ints{} + static_cast<std::int32_t>(row.first_place + i * row.full_wide + j);
          const Ints better = value > best;
          winner = better ? place : winner;
          best = better ? value : best;
        }
      }
      *reinterpret_cast<Floats*>(y + c) = best;
      *reinterpret_cast<Bytes*>(winners + c) = __builtin_convertvector(winner, Bytes);
    }
    for (; c < row.channels; ++c) {
      float best = x[c];
      std::int64_t winner = row.first_place;
      for (std::int64_t i = 0; i < row.high; ++i) {
        for (std::int64_t j = 0; j < row.wide; ++j) {
          const float value = x[c + i * row.line_step + j * row.pixel_step];
          if (!(value > best)) continue;
          best = value;
          winner = row.first_place + i * row.full_wide + j;
        }
      }
      y[c] = best;
      winners[c] = static_cast<std::uint8_t>(winner);
    }
    x += row.input_step;
    y += row.output_step;
    winners += row.output_step;
  }
}

HEADRACE_CLONES
void pool_backward_write(const PoolRow& row, const float* dy, const float* y, bool relu,
                         const std::uint8_t* winners, float* dx) {
  const float floor = relu ? 0.0f : -std::numeric_limits<float>::infinity();
  for (std::int64_t window = 0; window < row.windows; ++window) {
    std::int64_t c = 0;
    for (; c + lanes <= row.channels; c += lanes) {
      const Ints winner =
          __builtin_convertvector(*reinterpret_cast<const Bytes*>(winners + c), Ints);
      const Floats value = *reinterpret_cast<const Floats*>(y + c);
      const Floats slope = value > floor ? *reinterpret_cast<const Floats*>(dy + c) : Floats{};
      for (std::int64_t i = 0; i < row.high; ++i) {
        for (std::int64_t j = 0; j < row.wide; ++j) {
          float* at = dx + c + i * row.line_step + j * row.pixel_step;
          const Ints place =
              Ints{} + static_cast<std::int32_t>(row.first_place + i * row.full_wide + j);
          *reinterpret_cast<Floats*>(at) = winner == place ? slope : Floats{};
        }
      }
    }
    for (; c < row.channels; ++c) {
      const float slope = y[c] > floor ? dy[c] : 0.0f;
      for (std::int64_t i = 0; i < row.high; ++i) {
        for (std::int64_t j = 0; j < row.wide; ++j) {
          const std::int64_t place = row.first_place + i * row.full_wide + j;
          dx[c + i * row.line_step + j * row.pixel_step] = winners[c] == place ? slope : 0.0f;
        }
      }
    }
    dx += row.input_step;
    dy += row.output_step;
    y += row.output_step;
    winners += row.output_step;
  }
}

void pool_backward_add(const PoolRow& row, const float* dy, const float* y, bool relu,
                       const std::uint8_t* winners, float* dx) {
  for (std::int64_t window = 0; window < row.windows; ++window) {
    for (std::int64_t c = 0; c < row.channels; ++c) {
      if (relu && !(y[c] > 0.0f)) continue;
      const std::int64_t place = winners[c] - row.first_place;
      const std::int64_t i = place / row.full_wide, j = place % row.full_wide;
      dx[c + i * row.line_step + j * row.pixel_step] += dy[c];
    }
    dx += row.input_step;
    dy += row.output_step;
    y += row.output_step;
    winners += row.output_step;
  }
}

}  // namespace headrace::cpu
