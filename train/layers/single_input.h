#pragma once

#include <span>
#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/train/shape.h"

namespace headrace {

// The shape of the one input of a layer that takes one.
// Throws Error{invalid_argument} otherwise.
inline const Shape& single_input(std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ErrorCode::invalid_argument,
                "takes one input, got " + std::to_string(inputs.size()));
  }
  return inputs.front();
}

}  // namespace headrace
