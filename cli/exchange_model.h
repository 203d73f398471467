#pragma once

#include <cstddef>
#include <vector>

namespace headrace::cli {

struct ExchangeSample {
  std::size_t bytes = 0;
  double seconds = 0;
};

// What an exchange of gradients takes in theory (docs/scaling.md, "direct"): each rank sends, and
// gets, every other one's part of them, and then the sums:
//   2 (ranks - 1) / ranks bytes / rate + 2 latency
struct ExchangeModel {
  int ranks = 2;
  double rate = 0;     // bytes a second that a rank sends, while it receives as many
  double latency = 0;  // seconds

  double seconds(std::size_t bytes) const;
};

// The model that samples of at least two sizes, in their order, are nearest to, by relative error.
// Where larger ones took no longer, all of the largest one's time is taken for that of its bytes,
// so the rate is what there is at least.
ExchangeModel fit_exchange(const std::vector<ExchangeSample>& samples, int ranks);

}  // namespace headrace::cli
