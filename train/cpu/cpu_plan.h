#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/batch_binding.h"
#include "headrace/train/cpu/loss_step.h"
#include "headrace/train/cpu/optimizer_step.h"
#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/cpu/program.h"
#include "headrace/train/cpu/team.h"

namespace headrace::cpu {

// A plan of T threads cuts its rows into T slices. Each is computed by one thread, in blocks of
// rows that go depth-first through a segment of the model while they are in that core's cache; it
// has its own activations and its own gradients. Slices' gradients and sums are added up in the
// order of slices: results depend on T only by rounding, and on nothing else.
class CpuPlan : public Plan {
 public:
  CpuPlan(const Graph& graph, const PlanOptions& options);
  ~CpuPlan() override;

  void forward_backward(const StepInput& input) override;
  std::span<float> gradients() override { return slices_.front().gradients.span(); }
  void set_gradient_listener(GradientListener listener) override {
    gradient_listener_ = std::move(listener);
  }
  void set_statistics_reducer(StatisticsReducer reducer) override {
    statistics_reducer_ = std::move(reducer);
  }
  void update(double learning_rate, std::uint64_t step) override;
  void evaluate(const StepInput& input) override;
  void predict(const StepInput& input, std::span<float> output) override;
  MetricSums metrics() override { return metrics_; }
  void reset_metrics() override { metrics_ = {}; }
  void swap_averages() override;
  std::string find_non_finite(const StepInput& input) override;
  std::vector<NamedTensor> parameters() const override;
  void set_parameters(std::span<const NamedTensor> parameters) override;
  std::vector<NamedTensor> optimizer_state() const override;
  void set_optimizer_state(std::span<const NamedTensor> state) override;
  std::size_t memory_bytes() const override;
  void set_stop_flag(const std::atomic<bool>* stop) override { stop_ = stop; }

 private:
  // What one thread works with.
  struct Slice {
    AlignedBuffer<std::byte> block;  // tensors of one segment
    AlignedBuffer<std::byte> kept;   // tensors that live from segment to segment, of all rows
    AlignedBuffer<std::byte> scratch;
    AlignedBuffer<float> gradients;                // of a plan for training
    std::vector<AlignedBuffer<float>> conversion;  // of each input that is not f32
    std::vector<std::byte*> tensors;
    MetricSums sums;
    std::int64_t first = 0;  // its rows of the step
    std::int64_t rows = 0;
  };
  // One call: what is done with each block.
  struct Job {
    const StepInput* input = nullptr;
    const BoundBatch* bound = nullptr;
    const LossStep* loss = nullptr;  // null: predictions are made
    Labels labels;
    bool training = false;
    float* predictions = nullptr;
  };

  const LossStep& loss();
  bool has_averages() const;
  void run(const Job& job);
  void divide(std::int64_t rows);
  void make_ready(const Job& job);
  void compile(std::size_t segment, std::int64_t rows);
  void prepare();
  // A pass of all slices over a segment: what it does with each block.
  using Pass = void (CpuPlan::*)(const Job&, const Segment&, const Block&, Slice&) const;
  void run_pass(const Job& job, const Segment& segment, Pass pass);
  void forward_pass(const Job&, const Segment&, const Block&, Slice&) const;
  void last_pass(const Job&, const Segment&, const Block&, Slice&) const;
  void backward_pass(const Job&, const Segment&, const Block&, Slice&) const;
  void place_tensors(const Job& job, const Segment& segment, Slice& slice, std::int64_t done,
                     std::int64_t rows) const;
  // The loss of a block's rows, or their predictions. Whether there is a backward pass.
  bool finish_forward(const Job& job, const Block& block, Slice& slice) const;
  void check_stop() const;
  void finish(const std::vector<Reduction*>& reductions, std::int64_t rows);
  void finish_backward(const Segment& segment, std::int64_t rows);
  void add_up_gradients(std::size_t last);

  Graph graph_;
  PlanOptions options_;
  ParameterArena arena_;
  Program program_;
  std::optional<LossStep> loss_;            // made when it is first needed
  std::optional<OptimizerStep> optimizer_;  // of a plan for training
  Team team_;
  AlignedBuffer<float> parameters_;
  std::vector<AlignedBuffer<float>> state_;  // one arena for each slot of the optimizer
  std::vector<Slice> slices_;
  std::uint64_t version_ = 1;                     // of the parameters
  std::uint64_t prepared_ = 0;                    // version that weights' layouts are of
  std::vector<std::set<std::int64_t>> compiled_;  // rows of blocks, of each segment
  std::size_t scratch_bytes_ = 0;
  std::size_t final_gradients_ = 0;  // added up, of the arena, in this step
  MetricSums metrics_;
  const std::atomic<bool>* stop_ = nullptr;
  GradientListener gradient_listener_;
  StatisticsReducer statistics_reducer_;
};

}  // namespace headrace::cpu
