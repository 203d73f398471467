#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "headrace/formats/record_facts.h"

namespace headrace {

// Records that are the same, or look alike: by ascending index, two at least.
using RecordGroup = std::vector<std::int64_t>;

struct Duplicates {
  std::vector<RecordGroup> same;   // hash and size agree
  std::vector<RecordGroup> alike;  // others that look alike, one of each group above at most
};

// Finds them, and notes it with the facts: duplicate, near_duplicate, two_labels.
// Images look alike if at most 3 of 64 comparisons of neighbouring places differ, both across and
// down, 4 in all, and mean colours and shapes are about the same. Images of one colour are none.
Duplicates find_duplicates(std::span<RecordFacts> facts);

}  // namespace headrace
