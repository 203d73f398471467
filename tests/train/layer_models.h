#pragma once

#include <vector>

#include "test_models.h"

namespace headrace {

// Small models for what test_models() lack: each has one kind of layer in its midst, between layers
// with parameters, with odd sizes and every option; among them graphs with branches, several
// inputs, values with several readers, and layers that are shared.
std::vector<TestModel> layer_models();

}  // namespace headrace
