#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/train/cpu/elementwise.h"

namespace headrace::cpu {

// A row of windows next to each other over adjacent channels. Distances in elements.
struct PoolRow {
  std::int64_t windows = 0;
  std::int64_t channels = 0;
  std::int64_t input_step = 0;  // from a window to the next
  std::int64_t pixel_step = 0;  // inside a window, to the right
  std::int64_t line_step = 0;   // and down
  std::int64_t high = 0;        // pixels of a window: its part inside the image
  std::int64_t wide = 0;
  std::int64_t first_place = 0;  // the whole window's number of the first of them
  std::int64_t full_wide = 0;    // and its width
};

// Arrays begin at the row's first window; strides of outputs are from a pixel to the next. `dx` is
// of the type of `dy`.

// y = the largest of x, winners = its place.
void max_pool_forward(const PoolRow& row, Array x, Array y, std::uint8_t* winners,
                      std::int64_t winners_step);
// Windows that share no pixel: writes all of dx, zero but for the winner.
void max_pool_backward_write(const PoolRow& row, Array dy, const std::uint8_t* winners,
                             std::int64_t winners_step, Array dx);
// Adds to the winner's dx.
void max_pool_backward_add(const PoolRow& row, Array dy, const std::uint8_t* winners,
                           std::int64_t winners_step, Array dx);
// As max_pool_backward_write for x that came from a relu: where y is not above zero the gradient
// ends.
void max_pool_relu_backward_write(const PoolRow& row, Array dy, Array y,
                                  const std::uint8_t* winners, std::int64_t winners_step, Array dx);

void average_pool_forward(const PoolRow& row, Array x, Array y);
void average_pool_backward_add(const PoolRow& row, Array dy, Array dx);

}  // namespace headrace::cpu
