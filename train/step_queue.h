#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/train/loss.h"

namespace headrace {

struct StepInput;

// Whole steps of a rank that trains alone, of a plan that works while its caller goes on: forward,
// backward and update in one. What came of them is asked for later, in their order. A step whose
// loss or gradients are not finite changes no parameter and no state, and none after it does until
// it was asked for. Used by the thread that uses the plan.
class StepQueue {
 public:
  struct Outcome {
    MetricSums sums = {};  // of this step alone
    bool is_finite = true;
  };

  virtual ~StepQueue() = default;
  virtual std::size_t capacity() const = 0;  // steps that may be under way
  virtual std::size_t size() const = 0;      // that are: nobody has asked for their outcomes

  // As Plan::forward_backward and Plan::update one after the other; metrics() are then of no
  // meaning until they are reset. The batch may be destroyed when it returns. Throws what they
  // throw, and Error{invalid_argument} if the queue is full or the input has no rows.
  virtual void push(const StepInput& input, double learning_rate, std::uint64_t step) = 0;
  // Waits for the oldest step. If it was not finite, those after it are forgotten. Throws
  // Error{invalid_argument} if there is none.
  virtual Outcome pop() = 0;
};

}  // namespace headrace
