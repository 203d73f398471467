#pragma once

#include "headrace/train/graph.h"

namespace headrace {

// Whether two sequences belong together: inputs "left" and "right" {time, features}, for example
// (140, 256), through one LSTM of 64 units that both share; concatenated; Dense 1 sigmoid.
// There are two answers: `classes` is 1 or 2. Throws Error{invalid_argument} otherwise.
Graph shared_lstm(const Shape& input, int classes);

}  // namespace headrace
