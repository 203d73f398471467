#pragma once

#include <cstdint>

namespace headrace {

// How often this program has called operator new so far, on any thread.
std::int64_t allocation_count();

}  // namespace headrace
