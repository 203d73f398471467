#pragma once

#include <string>
#include <vector>

#include "headrace/train/shape.h"

namespace headrace {

// A tensor on the host with a name, row-major f32, in Keras' layout: how weights travel between
// backends, checkpoints and people.
struct NamedTensor {
  std::string name;  // "conv2d/kernel"
  Shape shape;
  std::vector<float> values;
};

}  // namespace headrace
