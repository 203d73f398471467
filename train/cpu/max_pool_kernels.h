#pragma once

#include <cstddef>
#include <cstdint>

namespace headrace::cpu {

// A row of windows next to each other over adjacent channels. Distances in elements.
struct PoolRow {
  std::int64_t windows = 0;
  std::int64_t channels = 0;
  std::int64_t input_step = 0;   // from a window to the next
  std::int64_t output_step = 0;  // from an output pixel to the next
  std::int64_t pixel_step = 0;   // inside a window, to the right
  std::int64_t line_step = 0;    // and down
  std::int64_t high = 0;         // pixels of a window: its part inside the image
  std::int64_t wide = 0;
  std::int64_t first_place = 0;  // the whole window's number of the first of them
  std::int64_t full_wide = 0;    // and its width
};

// y = the largest of x, winners = its place.
void pool_forward(const PoolRow& row, const float* x, float* y, std::uint8_t* winners);

// With `relu`, x came from a relu: where y is not above zero the gradient ends.
// Writes all of dx, zero but for the winner.
void pool_backward_write(const PoolRow& row, const float* dy, const float* y, bool relu,
                         const std::uint8_t* winners, float* dx);
// Adds to the winner's dx.
void pool_backward_add(const PoolRow& row, const float* dy, const float* y, bool relu,
                       const std::uint8_t* winners, float* dx);

}  // namespace headrace::cpu
