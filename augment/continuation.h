#pragma once

#include <algorithm>
#include <cstdint>

#include "headrace/augment/axis.h"
#include "headrace/pipeline/sample_plan.h"

// How an image goes on beyond its borders, for single coordinates. Pixel i lies at i.
namespace headrace {

inline std::int64_t wrapped(std::int64_t a, std::int64_t n) {
  const std::int64_t rest = a % n;
  return rest < 0 ? rest + n : rest;
}

// Brings a coordinate of 2^-bits pixels to where its taps are taken. False if the constant is
// there.
template <int bits>
inline bool enter_image(std::int64_t& c, int extent, FillMode fill) {
  const std::int64_t last = std::int64_t{extent - 1} << bits;
  if (c >= 0 && c <= last) return true;
  switch (fill) {
    case FillMode::nearest: c = std::clamp<std::int64_t>(c, 0, last); return true;
    case FillMode::scipy_constant: return false;
    case FillMode::scipy_wrap: c = last == 0 ? 0 : wrapped(c, last); return true;
    case FillMode::mirror: {
      const std::int64_t rest = last == 0 ? 0 : wrapped(c, 2 * last);
      c = std::min(rest, 2 * last - rest);
      return true;
    }
    default: return true;  // it is the taps that are brought in
  }
}

// How taps outside of the image are filled, around a coordinate that has entered it.
inline FillMode fill_of_taps(FillMode fill) {
  const bool of_scipy = fill == FillMode::scipy_constant || fill == FillMode::scipy_wrap;
  return of_scipy ? FillMode::mirror : fill;
}

}  // namespace headrace
