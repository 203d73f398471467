#pragma once

#include <cstddef>
#include <vector>

namespace headrace {

// A part of a model and those that it reads from, all of them earlier ones.
using PartMakers = std::vector<std::vector<std::size_t>>;

// What a part does with a micro-batch, after other passes of the same list.
struct PipelinePass {
  std::size_t part = 0;
  std::size_t micro_batch = 0;
  bool backward = false;  // the last part's forward pass is both
  std::vector<std::size_t> after;
};

// How micro-batches go through the parts of a model, forward and, in training, backward: "1F1B"
// (Narayanan et al., 2019, PipeDream; flushed after each batch). A part goes forward as often as
// there are parts between it and the end, and then backward and forward in turn. So it has no more
// than `lanes` micro-batches under way at once; number m is in lane m % lanes. Passes of a part are
// in the order in which it does them.
struct PipelineOrder {
  std::vector<PipelinePass> passes;
  std::size_t lanes = 1;
};
PipelineOrder pipeline_order(const PartMakers& makers, std::size_t micro_batches, bool training);

}  // namespace headrace
