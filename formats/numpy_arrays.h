#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// open_numpy() with another limit to what is held in memory. Private to formats.
std::shared_ptr<const Dataset> open_numpy_within(std::uint64_t resident_bytes,
                                                 std::string_view location,
                                                 const DataOptions& options);

}  // namespace headrace
