#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "headrace/pipeline/dataset.h"

namespace headrace {

// Images and labels that were loaded whole.
struct ResidentImages {
  ImageShape shape;  // of one
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

// Replaces labels that count in `own` classes by their indices among the expected ones.
// Throws Error{corrupt_data} naming the first record whose label has no class.
void map_labels(const std::string& name, std::vector<std::int32_t>& labels,
                const std::vector<std::string>& own, const std::vector<std::string>& expected);

// The data set of `images`, whose labels count in `own_classes`; where other classes are expected,
// labels are mapped to those.
// Throws Error{corrupt_data} naming the first record whose label has no class.
std::shared_ptr<const Dataset> make_resident(std::string name, ResidentImages images,
                                             std::vector<std::string> own_classes,
                                             const std::vector<std::string>& expected_classes);

}  // namespace headrace
