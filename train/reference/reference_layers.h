#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "headrace/train/layer.h"
#include "headrace/train/layers/dropout_mask.h"
#include "headrace/train/shape.h"

namespace headrace::reference {

using Values = std::vector<double>;  // rows x elements, row-major

// One use of a layer by one replica.
struct Use {
  const Layer* layer = nullptr;
  std::int32_t node = 0;
  std::vector<Shape> inputs;
  Shape output;
  std::int64_t rows = 0;
  std::int64_t first_row = 0;            // of the global batch
  std::span<const Values> parameters;    // as Layer::parameters() lists them
  const DropoutStep* dropout = nullptr;  // null: as for inference

  const Shape& input() const { return inputs.front(); }
};

// The layer's output, by the textbook's loops. Batch normalisation is that of inference.
Values forward(const Use& use, std::span<const Values* const> inputs);

// The gradient of each input from that of the output; adds those of the parameters to `gradients`.
std::vector<Values> backward(const Use& use, std::span<const Values* const> inputs, const Values& y,
                             const Values& dy, std::span<Values> gradients);

}  // namespace headrace::reference
