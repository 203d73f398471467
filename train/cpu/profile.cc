#include "headrace/train/cpu/profile.h"

namespace headrace::cpu {
namespace {

constexpr std::array names = {
    "convolution", "dense", "LSTM", "batch normalisation", "pooling", "activation",      "padding",
    "copy",        "sum",   "loss", "gradients",           "update",  "weights' layouts"};

}  // namespace

void Profile::add(std::size_t slice, OperationKind kind, Phase phase, double seconds,
                  double flops) {
  Cell& cell = slices_[slice].cells[static_cast<std::size_t>(kind)];
  cell.seconds[static_cast<std::size_t>(phase)] += seconds;
  cell.flops += flops;
}

std::vector<OperationTime> Profile::times() const {
  static_assert(names.size() == kinds);
  std::vector<OperationTime> times;
  for (const Slice& slice : slices_) {
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      const Cell& cell = slice.cells[kind];
      if (cell.seconds[0] + cell.seconds[1] == 0) continue;
      times.push_back({names[kind], cell.seconds[0], cell.seconds[1], cell.flops});
    }
  }
  return add_up(times);
}

}  // namespace headrace::cpu
