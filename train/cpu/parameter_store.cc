#include "headrace/train/cpu/parameter_store.h"

#include <algorithm>
#include <atomic>

#include "headrace/pipeline/error.h"
#include "headrace/train/cpu/elementwise.h"

namespace headrace::cpu {
namespace {

std::string slot_suffix(std::size_t slot) { return "/slot" + std::to_string(slot); }

}  // namespace

ParameterStore::ParameterStore(const Graph& graph, const PlanOptions& options)
    : arena_(graph), parameters_(arena_.size_of_all()) {
  if (!options.training) return;
  check(options.optimizer);
  optimizer_.emplace(options.optimizer, graph, arena_);
  has_averages_ = update_options(options.optimizer).use_ema;
  const int slots = state_slots(options.optimizer);
  for (int slot = 0; slot < slots; ++slot) state_.emplace_back(arena_.size());
}

void ParameterStore::update(double learning_rate, std::uint64_t step, const float* gradients,
                            Team& team) {
  if (!optimizer_) {
    throw Error(ErrorCode::invalid_argument,
                "this plan was compiled for inference: it cannot train");
  }
  std::vector<float*> state;
  for (const auto& slot : state_) state.push_back(slot.data());
  optimizer_->run(learning_rate, step, gradients, parameters_.data(), state, team);
  ++version_;
}

std::size_t ParameterStore::bytes() const {
  std::size_t bytes = parameters_.bytes();
  for (const auto& slot : state_) bytes += slot.bytes();
  return bytes;
}

std::vector<NamedTensor> ParameterStore::parameters() const {
  return arena_.read(parameters_.data());
}

void ParameterStore::set_parameters(std::span<const NamedTensor> parameters) {
  arena_.write_all(parameters, {""}, {parameters_.data()});
  if (has_averages_) std::copy_n(parameters_.data(), arena_.size(), state_.back().data());
  ++version_;
}

// What is not trained has no average.
void ParameterStore::swap_averages() {
  if (!has_averages_) return;
  std::swap_ranges(parameters_.data(), parameters_.data() + arena_.size(), state_.back().data());
  ++version_;
}

std::vector<NamedTensor> ParameterStore::optimizer_state() const {
  std::vector<NamedTensor> tensors;
  for (std::size_t slot = 0; slot < state_.size(); ++slot) {
    for (NamedTensor& tensor : arena_.read(state_[slot].data(), slot_suffix(slot))) {
      tensors.push_back(std::move(tensor));
    }
  }
  return tensors;
}

void ParameterStore::set_optimizer_state(std::span<const NamedTensor> state) {
  std::vector<std::string> suffixes;
  std::vector<float*> arenas;
  for (std::size_t slot = 0; slot < state_.size(); ++slot) {
    suffixes.push_back(slot_suffix(slot));
    arenas.push_back(state_[slot].data());
  }
  arena_.write_all(state, suffixes, arenas);
}

bool all_finite(std::span<const float> values, Team& team) {
  constexpr std::size_t grain = 262'144;  // elements worth another thread
  std::atomic<bool> finite = true;
  team.run_ranges(values.size(), grain, [&](std::size_t first, std::size_t last) {
    if (!all_finite(values.data() + first, last - first)) finite = false;
  });
  return finite;
}

}  // namespace headrace::cpu
