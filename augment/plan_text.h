#pragma once

#include <string>

#include "headrace/pipeline/sample_plan.h"

namespace headrace {

// A plan as one line of JSON: sizes, map, filter, fill, region, operations.
std::string to_json(const SamplePlan& plan);

// A plan for people: "turned 12.3 deg; 0.93 x 1.04 of the image about 0.51, 0.48; mirrored;
// brightness 1.21". Angles are counter-clockwise, places in shares of the image.
std::string to_words(const SamplePlan& plan);

}  // namespace headrace
