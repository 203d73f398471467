#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/optimizer_step.h"
#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/cpu/team.h"

namespace headrace::cpu {

// A plan's parameters and, if it trains, the optimizer with its state: each one flat arena. Its
// functions are those of Plan.
class ParameterStore {
 public:
  // Throws Error{invalid_argument} if the optimizer makes no sense.
  ParameterStore(const Graph& graph, const PlanOptions& options);

  const ParameterArena& arena() const { return arena_; }
  const float* data() const { return parameters_.data(); }
  // To change them; changed() when that is done.
  float* data() { return parameters_.data(); }
  void changed() { ++version_; }
  std::uint64_t version() const { return version_; }  // of the values, from 1

  void update(double learning_rate, std::uint64_t step, const float* gradients, Team& team);
  void swap_averages();
  std::vector<NamedTensor> parameters() const;
  void set_parameters(std::span<const NamedTensor> parameters);
  std::vector<NamedTensor> optimizer_state() const;
  void set_optimizer_state(std::span<const NamedTensor> state);
  std::size_t bytes() const;

 private:
  ParameterArena arena_;
  AlignedBuffer<float> parameters_;
  std::vector<AlignedBuffer<float>> state_;  // one arena for each slot of the optimizer
  std::optional<OptimizerStep> optimizer_;
  bool has_averages_ = false;
  std::uint64_t version_ = 1;
};

// By the team's threads.
bool all_finite(std::span<const float> values, Team& team);

}  // namespace headrace::cpu
