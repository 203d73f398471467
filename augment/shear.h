#pragma once

#include "headrace/augment/operation.h"

namespace headrace {

// Slants columns by an angle uniform in [-v, v) degrees, about the centre: Keras' shear_range,
// whose matrix is [[1, -sin], [0, cos]], so that heights shrink by the cosine too.
Operation shear();

}  // namespace headrace
