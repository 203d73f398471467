#pragma once

#include <span>
#include <string>
#include <vector>

namespace headrace {

// What a plan's operations of one kind have taken, all its threads together.
struct OperationTime {
  std::string kind;             // "convolution"
  double forward_seconds = 0;   // of evaluation too
  double backward_seconds = 0;  // with what is made anew for it
  double flops = 0;             // of both; 0: not counted

  double seconds() const { return forward_seconds + backward_seconds; }
};

// Those of several plans together: one for each kind, the longest first.
std::vector<OperationTime> add_up(std::span<const OperationTime> times);

}  // namespace headrace
