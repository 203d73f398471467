#pragma once

#include <memory>
#include <optional>

#include "headrace/train/cpu/executor.h"
#include "headrace/train/plan_part.h"

namespace headrace::cpu {

// The part of a model that a CPU device computes.
class CpuPart : public PlanPart {
 public:
  CpuPart(const GraphPart& part, const PlanOptions& options, PartLinks links);

  void forward(const StepInput& input, Work work, std::span<float> predictions) override;
  void backward() override { executor_.backward(job_); }
  std::span<float> parameters() override { return parameters_.span(); }
  void parameters_have_changed() override { ++version_; }
  std::span<const float> gradients() override { return executor_.gradients(); }
  void update_statistics() override;
  bool takes_statistics() const override { return executor_.program().has_reductions(); }
  MetricSums metrics() override { return executor_.metrics(); }
  void reset_metrics() override { executor_.reset_metrics(); }
  std::size_t memory_bytes() const override {
    return parameters_.bytes() + executor_.memory_bytes();
  }
  void set_stop_flag(const std::atomic<bool>* stop) override { executor_.set_stop_flag(stop); }
  void start_profile() override { executor_.start_profile(); }
  std::vector<OperationTime> profile() const override { return executor_.profile(); }
  void set_statistics_reducer(Plan::StatisticsReducer reducer) override {
    executor_.set_statistics_reducer(std::move(reducer));
  }

 private:
  PlanOptions options_;
  ParameterArena arena_;
  AlignedBuffer<float> parameters_;
  Executor executor_;
  std::optional<LossStep> loss_;  // of the last part
  std::uint64_t version_ = 1;     // of the parameters
  // Of the call under way, which may be continued by backward().
  StepInput input_;
  BoundBatch bound_;
  Executor::Job job_;
};

}  // namespace headrace::cpu
