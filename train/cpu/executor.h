#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/batch_binding.h"
#include "headrace/train/cpu/loss_step.h"
#include "headrace/train/cpu/parameter_arena.h"
#include "headrace/train/cpu/profile.h"
#include "headrace/train/cpu/program.h"
#include "headrace/train/cpu/team.h"

namespace headrace::cpu {

// Runs a program on T threads. Rows are cut into T slices. Each is computed by one thread, in
// blocks of rows that go depth-first through a segment of the model while they are in that core's
// cache; it has its own activations and its own gradients. Slices' gradients and sums are added up
// in the order of slices: results depend on T only by rounding, and on nothing else.
class Executor {
 public:
  Executor(const Graph& graph, const ParameterArena& arena, const PlanOptions& options,
           const ProgramEnds& ends = {});

  // One call: what is done with each block. What it points to is there until the call is done,
  // and until backward() of a part of a model.
  struct Job {
    const StepInput* input = nullptr;
    const BoundBatch* bound = nullptr;
    const LossStep* loss = nullptr;  // null: predictions are made, or values for other parts
    Labels labels;
    bool training = false;
    float* predictions = nullptr;
    const float* parameters = nullptr;
    std::uint64_t version = 0;  // of the parameters: layouts of weights are made for each
  };
  // A program that ends in logits: forward and, in training, all of backward. Another: forward.
  void run(const Job& job);
  // What run() has not done in training, when the gradients of what goes to other parts are there.
  void backward(const Job& job);

  const Program& program() const { return program_; }
  Team& team() { return team_; }
  std::span<float> gradients() { return slices_.front().gradients.span(); }
  // Whether gradients are sums of slices', looked at while they were added up.
  bool adds_up_gradients() const { return slices_.size() > 1; }
  // Requires that they are.
  bool gradients_were_finite() const { return sums_are_finite_; }
  // When the step is taken: what changes without a gradient.
  void update_statistics(float* parameters);
  // Memory of Program::links, rows x elements each.
  void set_links(std::vector<float*> links) { links_ = std::move(links); }
  void set_gradient_listener(Plan::GradientListener listener) {
    gradient_listener_ = std::move(listener);
  }
  void set_statistics_reducer(Plan::StatisticsReducer reducer) {
    statistics_reducer_ = std::move(reducer);
  }
  void set_stop_flag(const std::atomic<bool>* stop) { stop_ = stop; }
  void start_profile() { profile_ = std::make_unique<Profile>(slices_.size()); }
  std::vector<OperationTime> profile() const;
  // Measures what the whole team does, or waits for, if there is a profile.
  ProfileSpan span(OperationKind kind, Phase phase) const {
    return {profile_.get(), 0, kind, phase, 0, team_.threads()};
  }
  MetricSums metrics() const { return metrics_; }
  void reset_metrics() { metrics_ = {}; }
  std::size_t memory_bytes() const;

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

  void divide(std::int64_t rows);
  void make_ready(const Job& job);
  void clear_gradients();
  void compile(std::size_t segment, std::int64_t rows);
  void prepare(const Job& job);
  // A pass of all slices over a segment: what it does with each block.
  using Pass = void (Executor::*)(const Job&, const Segment&, const Block&, Slice&) const;
  void run_pass(const Job& job, const Segment& segment, Pass pass);
  void forward_pass(const Job&, const Segment&, const Block&, Slice&) const;
  void last_pass(const Job&, const Segment&, const Block&, Slice&) const;
  void backward_pass(const Job&, const Segment&, const Block&, Slice&) const;
  void place_tensors(const Job& job, const Segment& segment, Slice& slice, std::int64_t done,
                     std::int64_t rows) const;
  // The loss of a block's rows, or their predictions. Whether there is a backward pass.
  bool finish_forward(const Job& job, const Block& block, Slice& slice) const;
  void check_stop() const;
  void forward(const Operation& operation, const Block& block, Phase phase) const;
  void backward(const Operation& operation, const Block& block) const;
  void finish(const std::vector<Reduction*>& reductions, Phase phase, const Job& job);
  void backward_from(std::size_t segment, const Job& job);
  void finish_backward(const Segment& segment, const Job& job);
  void add_up_gradients(std::size_t last);

  Program program_;
  Team team_;
  std::vector<Slice> slices_;
  std::vector<float*> links_;
  std::vector<Operation::Range> written_;         // of gradients, not cleared before
  std::uint64_t prepared_ = 0;                    // version that weights' layouts are of
  std::vector<std::set<std::int64_t>> compiled_;  // rows of blocks, of each segment
  std::size_t scratch_bytes_ = 0;
  std::size_t final_gradients_ = 0;           // added up, of the arena, in this step
  std::atomic<bool> sums_are_finite_ = true;  // of gradients, in this step
  MetricSums metrics_;
  const std::atomic<bool>* stop_ = nullptr;
  Plan::GradientListener gradient_listener_;
  Plan::StatisticsReducer statistics_reducer_;
  std::unique_ptr<Profile> profile_;
};

}  // namespace headrace::cpu
