#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/train/communicator.h"
#include "headrace/train/loss.h"

namespace headrace {

// What a rank says after its share of a step or of an evaluated batch, and what all of them said.
struct StepReport {
  bool stopped = false;     // some rank was told to stop: no rank goes on
  bool not_finite = false;  // some rank's loss was not finite
  MetricSums sums = {};     // of all ranks, added in the order of ranks
};

// Gathers the reports of all ranks; every rank gets the same. `step` and `learning_rate` are to be
// the same on all. Throws Error{backend} as Communicator does, and if ranks are not at the same
// step.
class StepReporter {
 public:
  explicit StepReporter(Communicator& communicator) : communicator_(communicator) {}

  void start(const StepReport& own, std::uint64_t step, double learning_rate);
  StepReport wait(std::chrono::milliseconds deadline);

 private:
  struct Row;
  std::string difference(const Row& first, const Row& other) const;

  Communicator& communicator_;
  std::vector<float> buffer_;
  std::vector<double> more_;  // sums that have no place in a row
  Communicator::Ticket ticket_ = 0;
};

}  // namespace headrace
