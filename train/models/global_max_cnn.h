#pragma once

#include "headrace/train/graph.h"

namespace headrace {

// The smallest network that takes images of any size: Conv2D 32 3x3 relu, GlobalMaxPooling2D,
// Dense. It ends in logits: its loss is from_logits.
Graph global_max_cnn(const Shape& input, int classes);

}  // namespace headrace
