#pragma once

#include <memory>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Opens "union:A + B", "mix:0.7 A + 0.3 B", "balanced:A", "repeat:3:A", "split:0.9:A" and
// "rest:0.9:A", where A and B are locations that open_dataset() takes; null if `location` is no
// view. Private to formats. Throws Error{invalid_argument} saying how to write it.
std::shared_ptr<const Dataset> open_view(std::string_view location, const DataOptions& options);

}  // namespace headrace
