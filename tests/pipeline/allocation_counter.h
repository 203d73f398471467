#pragma once

#include <cstdint>

namespace headrace {

// How often this program has called operator new so far, on any thread. Always 0 under the
// sanitizers, which have an operator new of their own.
std::int64_t allocation_count();

}  // namespace headrace
