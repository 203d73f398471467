#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "headrace/train/layer.h"
#include "headrace/train/layers/dropout_mask.h"
#include "headrace/train/shape.h"

namespace headrace::reference {

using Values = std::vector<double>;  // rows x elements, row-major

// One use of a layer of one input.
struct Use {
  const Layer* layer = nullptr;
  std::int32_t node = 0;
  Shape input;
  Shape output;
  std::int64_t rows = 0;
  std::span<const Values> parameters;    // as Layer::parameters() lists them
  const DropoutStep* dropout = nullptr;  // null: as for inference
};

// The layer's output, by the textbook's loops.
Values forward(const Use& use, const Values& x);

// The gradient of the input from that of the output; adds those of the parameters to `gradients`.
Values backward(const Use& use, const Values& x, const Values& y, const Values& dy,
                std::span<Values> gradients);

}  // namespace headrace::reference
