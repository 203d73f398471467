#include "headrace/train/operation_time.h"

#include <algorithm>

namespace headrace {

std::vector<OperationTime> add_up(std::span<const OperationTime> times) {
  std::vector<OperationTime> sums;
  for (const OperationTime& time : times) {
    auto sum = std::find_if(sums.begin(), sums.end(),
                            [&](const OperationTime& known) { return known.kind == time.kind; });
    if (sum == sums.end()) {
      sums.push_back(time);
      continue;
    }
    sum->forward_seconds += time.forward_seconds;
    sum->backward_seconds += time.backward_seconds;
    sum->flops += time.flops;
  }
  std::stable_sort(sums.begin(), sums.end(), [](const OperationTime& a, const OperationTime& b) {
    return a.seconds() > b.seconds();
  });
  return sums;
}

}  // namespace headrace
