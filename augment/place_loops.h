#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "headrace/augment/fixed_point.h"
#include "headrace/augment/paint_kernels.h"
#include "headrace/augment/paint_loops.h"
#include "headrace/pipeline/rng.h"

// As paint_loops.h, of where pixels come from.
namespace headrace::paint_loops {

// What is none becomes the farthest.
template <class Value>
HEADRACE_LOOP Value near(Value place, Value farthest) {
  const Value below = place < farthest ? place : farthest;
  return below > -farthest ? below : -farthest;
}

HEADRACE_LOOP std::int32_t whole_place(double pixels) {
  constexpr double ulp_is_one = 0x1.8p52;
  const double place = pixels * static_cast<double>(fixed::pixel);
  const double sum = near(place, PaintKernels::farthest_place) + ulp_is_one;
  return static_cast<std::int32_t>(sum - ulp_is_one);
}

HEADRACE_LOOP std::int32_t whole_place(float place) {
  const float within = near(place, static_cast<float>(PaintKernels::farthest_place / 2));
  return static_cast<std::int32_t>(within + (within < 0 ? -0.5f : 0.5f));
}

HEADRACE_LOOP void project(const ProjectedRow& row, std::size_t count, std::int32_t* x,
                           std::int32_t* y) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto column = static_cast<double>(static_cast<std::int32_t>(i));
    const double over = 1 / (row.divisor_step * column + row.divisor);
    x[i] = whole_place((row.x_step * column + row.x) * over - 0.5);
    y[i] = whole_place((row.y_step * column + row.y) * over - 0.5);
  }
}

// Blocks of Philox (rng.h), side by side.
HEADRACE_LOOP void noise(std::uint64_t seed, std::uint64_t epoch, std::size_t count,
                         float* numbers) {
  constexpr std::size_t blocks = 16;
  // Words of 32 bits, in the lanes that their products need.
  using Words = std::array<std::uint64_t, blocks>;
  const auto low = [](std::uint64_t wide) { return static_cast<std::uint32_t>(wide); };
  const auto high = [](std::uint64_t wide) { return static_cast<std::uint32_t>(wide >> 32); };
  const auto key =
      philox4x32({low(epoch), high(epoch), stream_id("epoch"), 0}, {low(seed), high(seed)});
  for (std::size_t done = 0; done < count; done += 4 * blocks) {
    alignas(64) std::array<Words, 4> words;
    auto& [a, b, c, d] = words;
    for (std::size_t i = 0; i < blocks; ++i) {
      a[i] = (done / 4 + i) & 0xFFFFFFFFu;
      b[i] = 0;
      c[i] = d[i] = 0xFFFFFFFFu;
    }
    std::uint32_t first_key = key[0];
    std::uint32_t second_key = key[1];
    for (int round = 0; round < 10; ++round) {
      for (std::size_t i = 0; i < blocks; ++i) {
        const std::uint64_t product0 = a[i] * 0xD2511F53u;
        const std::uint64_t product1 = c[i] * 0xCD9E8D57u;
        a[i] = (product1 >> 32) ^ b[i] ^ first_key;
        b[i] = product1 & 0xFFFFFFFFu;
        c[i] = (product0 >> 32) ^ d[i] ^ second_key;
        d[i] = product0 & 0xFFFFFFFFu;
      }
      first_key += 0x9E3779B9u;
      second_key += 0xBB67AE85u;
    }
    alignas(64) std::array<float, 4 * blocks> some;
    const auto number = [](std::uint64_t word) {
      return static_cast<float>(static_cast<std::int32_t>(word >> 8)) * 0x1p-23f - 1;
    };
    for (std::size_t i = 0; i < blocks; ++i) {
      some[4 * i] = number(a[i]);
      some[4 * i + 1] = number(b[i]);
      some[4 * i + 2] = number(c[i]);
      some[4 * i + 3] = number(d[i]);
    }
    std::copy_n(some.begin(), std::min(some.size(), count - done), numbers + done);
  }
}

HEADRACE_LOOP void displace(const float* field, float strength, std::int32_t row, std::size_t count,
                            std::int32_t* x, std::int32_t* y) {
  const float scale = strength * static_cast<float>(fixed::pixel);
  const std::int32_t down = row << fixed::coordinate_bits;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t across = static_cast<std::int32_t>(i) << fixed::coordinate_bits;
    x[i] = across + whole_place(field[2 * i] * scale);
    y[i] = down + whole_place(field[2 * i + 1] * scale);
  }
}

}  // namespace headrace::paint_loops
