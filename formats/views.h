#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/pipeline/dataset.h"

namespace headrace {

// Views of data sets, which are data sets: they may be put on top of one another, and of Subset.
// They copy no record, read each where it lies, under its own key, and find it in O(1). What they
// choose follows from their arguments alone. Like all data sets, they are in a fixed order: what
// order an epoch has is the sequence's business.
//
// All throw Error{invalid_argument} naming the data if the arguments make no sense.

// All records of the first, then of the second, ...: their union. Data sets must have the same
// fields and classes (open the others with DataOptions::classes of the first).
std::shared_ptr<const Dataset> concatenate(std::vector<std::shared_ptr<const Dataset>> datasets);

// All records `times` times over: a longer epoch.
std::shared_ptr<const Dataset> repeat(std::shared_ptr<const Dataset> dataset, std::int64_t times);

// All records, in an order that `seed` gives.
std::shared_ptr<const Dataset> shuffled(std::shared_ptr<const Dataset> dataset, std::uint64_t seed);

// Two parts of a data set, chosen by `seed`, that have no record in common and leave none out.
struct ShuffleSplit {
  std::shared_ptr<const Dataset> first;
  std::shared_ptr<const Dataset> second;
};
// `share` (above 0, below 1) is the first part's, rounded to whole records, and at least one is
// left for each part.
ShuffleSplit shuffle_split(const std::shared_ptr<const Dataset>& dataset, double share,
                           std::uint64_t seed = 0);

struct MixtureSource {
  std::shared_ptr<const Dataset> dataset;
  double weight = 1;  // its share of the records, once all weights are divided by their sum
};
struct MixtureOptions {
  // Of the mixture. 0: as many as are needed for each record of each source to be in it.
  std::int64_t size = 0;
  std::uint64_t seed = 0;
};
// Records of several data sets in given shares, exact to one record, and mixed. A source that has
// too few is repeated as a whole, one that has too many is sampled. Fields and classes as for
// concatenate().
std::shared_ptr<const Dataset> mix(std::vector<MixtureSource> sources,
                                   const MixtureOptions& options = {});

// As many records of each class as the most frequent one has: the records of others are repeated.
// Classes without records do not count. Takes 8 bytes of memory a record.
std::shared_ptr<const Dataset> class_balanced(std::shared_ptr<const Dataset> dataset);

}  // namespace headrace
