#pragma once

#include <cstddef>
#include <string>

#include "headrace/train/communicator.h"

namespace headrace {

// "a broadcast of 12 values".
std::string describe(Collective kind, std::size_t size);

// Throws Error{invalid_argument} unless the buffer can be cut as the operation needs.
void check_size(Collective kind, std::size_t size, int world_size);

}  // namespace headrace
