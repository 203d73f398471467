#pragma once

#include <cstdint>

#include "headrace/augment/operation.h"

namespace headrace {

// What learned and random policies choose from, with torchvision's meanings of their magnitudes.
enum class PolicyOperation : std::uint8_t {
  identity,
  shear_x,  // by the tangent, about the upper left corner
  shear_y,
  translate_x,  // whole pixels
  translate_y,
  rotate,      // degrees
  brightness,  // difference of the factor from 1
  saturation,  // the "Color" of the papers
  contrast,
  sharpness,
  posterize,  // bits that are kept
  solarize,   // the threshold
  autocontrast,
  equalize,
  invert,
};

// What moves the image becomes part of the one map of the plan, so it is sampled once, and before
// what paints, whichever comes first in the policy.
void apply_policy(PolicyOperation operation, double magnitude, Geometry& geometry);

}  // namespace headrace
