#pragma once

#include <string>

#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// A plan as one line of JSON: sizes, map, filter, fill, region, operations.
std::string to_json(const SamplePlan& plan);

}  // namespace headrace
