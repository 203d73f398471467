#pragma once

#include <cmath>

#include "headrace/augment/paint_loops.h"

namespace headrace::paint_loops {

HEADRACE_LOOP float clipped(float share) {
  const float positive = share > 0 ? share : 0.0f;
  return positive < 1 ? positive : 1.0f;
}

// The hexcone model of Smith, "Color gamut transform pairs", 1978, of which the hue alone changes:
// by so many sixths of the circle, in [0, 6). Along the circle a channel is at the greatest of the
// three for two sixths, goes down to the least in one, stays there for two, and goes up in one.
HEADRACE_LOOP void turn_hue(float& red, float& green, float& blue, float sixths) {
  const float more = red > green ? red : green;
  const float less = red > green ? green : red;
  const float high = more > blue ? more : blue;
  const float low = less > blue ? blue : less;
  const float range = high - low;
  const float over = range > 0 ? range : 1.0f;
  const float of_red = green - blue;
  const float of_green = blue - red;
  const float of_blue = red - green;
  const bool red_is_high = high == red;
  const bool green_is_high = high == green;
  const float beside_red = green_is_high ? of_green : of_blue;
  const float from_red = green_is_high ? 2.0f : 4.0f;
  const float quotient = (red_is_high ? of_red : beside_red) / over;
  const float sum = quotient + (red_is_high ? 0.0f : from_red) + sixths;
  const float positive = sum + (sum < 0 ? 6.0f : 0.0f);
  const float hue = positive - (positive >= 6 ? 6.0f : 0.0f);
  red = low + range * clipped(std::fabs(hue - 3) - 1);
  green = low + range * clipped(2 - std::fabs(hue - 2));
  blue = low + range * clipped(2 - std::fabs(hue - 4));
}

}  // namespace headrace::paint_loops
