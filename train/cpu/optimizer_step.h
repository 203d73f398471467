#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/cpu/team.h"
#include "headrace/train/graph.h"
#include "headrace/train/optimizer.h"

namespace headrace::cpu {

// A plan's optimizer over its flat arenas, in one pass: each piece of them is clipped, decayed,
// moved and averaged while it is in the cache. The same values for any number of threads.
class OptimizerStep {
 public:
  OptimizerStep(const Optimizer& optimizer, const Graph& graph, const ParameterArena& arena);

  // One step with that learning rate, `step` counted from 1; `slots` are the state_slots() arenas
  // of state.
  void run(double learning_rate, std::uint64_t step, const float* gradients, float* parameters,
           std::span<float* const> slots, Team& team);

 private:
  // A part of a parameter.
  struct Piece {
    std::size_t first = 0;  // in the arenas
    std::size_t size = 0;
    std::size_t parameter = 0;
    bool decays = true;
  };
  void measure(const float* gradients, Team& team);

  Optimizer optimizer_;
  std::vector<Piece> pieces_;
  std::vector<double> squares_;  // sums over each piece's gradients
  std::vector<float> scales_;    // of each parameter's gradients
};

}  // namespace headrace::cpu
