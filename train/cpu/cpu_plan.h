#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/executor.h"
#include "headrace/train/cpu/parameter_store.h"

namespace headrace::cpu {

// A plan of one device: an executor of its threads, and the parameters.
class CpuPlan : public Plan {
 public:
  CpuPlan(const Graph& graph, const PlanOptions& options);
  ~CpuPlan() override;

  void forward_backward(const StepInput& input) override;
  std::span<float> gradients() override { return executor_.gradients(); }
  void set_gradient_listener(GradientListener listener) override {
    executor_.set_gradient_listener(std::move(listener));
  }
  void set_statistics_reducer(StatisticsReducer reducer) override {
    executor_.set_statistics_reducer(std::move(reducer));
  }
  void update(double learning_rate, std::uint64_t step) override;
  void evaluate(const StepInput& input) override;
  void predict(const StepInput& input, std::span<float> output) override;
  MetricSums metrics() override { return executor_.metrics(); }
  void reset_metrics() override { executor_.reset_metrics(); }
  void swap_averages() override { store_.swap_averages(); }
  bool gradients_are_finite(bool changed) override;
  std::string find_non_finite(const StepInput& input) override;
  std::vector<NamedTensor> parameters() const override { return store_.parameters(); }
  void set_parameters(std::span<const NamedTensor> parameters) override {
    store_.set_parameters(parameters);
  }
  std::vector<NamedTensor> optimizer_state() const override { return store_.optimizer_state(); }
  void set_optimizer_state(std::span<const NamedTensor> state) override {
    store_.set_optimizer_state(state);
  }
  std::size_t memory_bytes() const override { return store_.bytes() + executor_.memory_bytes(); }
  void set_stop_flag(const std::atomic<bool>* stop) override { executor_.set_stop_flag(stop); }
  void start_profile() override { executor_.start_profile(); }
  std::vector<OperationTime> profile() const override { return executor_.profile(); }

 private:
  const LossStep& loss();
  Executor::Job job(const StepInput& input, const BoundBatch& bound) const;

  Graph graph_;
  PlanOptions options_;
  ParameterStore store_;
  Executor executor_;
  std::optional<LossStep> loss_;  // made when it is first needed
};

// Throws Error{invalid_argument} if the input is nothing that a plan can train on, or predict.
void check_training(const PlanOptions& options, const StepInput& input);
void check_output(const StepInput& input, std::int64_t elements, std::size_t output_size);

}  // namespace headrace::cpu
