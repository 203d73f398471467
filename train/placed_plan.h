#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/parameter_store.h"
#include "headrace/train/cpu/team.h"
#include "headrace/train/device_threads.h"
#include "headrace/train/graph_parts.h"
#include "headrace/train/pipeline_order.h"
#include "headrace/train/plan_part.h"

namespace headrace {

// A model whose layers are on several devices. Each part is computed by its device, on a thread of
// the device's own, as soon as what it reads is there; parts that do not wait for each other run at
// the same time. Values cross through host memory: the part that makes a value ends with a copy to
// there, and begins its backward pass with the sum of what the readers give back, in their order.
// Each part has parameters and gradients of its own. Those of a layer that several parts use are
// copies: gradients are added up in the order of parts, the update is made once, for all.
//
// Of several micro-batches (PlanOptions) as many are under way at once as the parts need to be
// busy: each of these lanes has mailboxes of its own and a plan of each part. Gradients are added
// up in the order of micro-batches. Batch normalisation takes the statistics of each, and moves by
// those of the last.
class PlacedPlan : public Plan {
 public:
  PlacedPlan(const Graph& graph, const PlanOptions& options, const PartFactory& make_part);
  ~PlacedPlan() override;

  void forward_backward(const StepInput& input) override;
  std::span<float> gradients() override { return gradients_.span(); }
  void set_gradient_listener(GradientListener listener) override {
    gradient_listener_ = std::move(listener);
  }
  void set_statistics_reducer(StatisticsReducer reducer) override;
  void set_device_listener(DeviceListener listener) override {
    device_listener_ = std::move(listener);
  }
  void update(double learning_rate, std::uint64_t step) override;
  void evaluate(const StepInput& input) override { run(input, Work::evaluate, {}); }
  void predict(const StepInput& input, std::span<float> output) override;
  MetricSums metrics() override;
  void reset_metrics() override;
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
  std::size_t memory_bytes() const override;
  void set_stop_flag(const std::atomic<bool>* stop) override { stop_ = stop; }
  void start_profile() override;
  std::vector<OperationTime> profile() const override;  // of the parts, together

 private:
  // A parameter of a part, and its place in the whole model's arenas.
  struct Copy {
    std::size_t here = 0;
    std::size_t whole = 0;
    std::size_t size = 0;
    bool trainable = true;
  };
  struct Part {
    GraphPart graph;
    std::vector<std::unique_ptr<PlanPart>> lanes;
    cpu::AlignedBuffer<float> sums;  // gradients of several micro-batches, added up
    std::vector<Copy> copies;
    std::vector<std::size_t> layers;  // that it uses, of the whole model
    std::size_t device = 0;           // among the devices of this plan

    std::span<const float> gradients() const {
      return sums.size() > 0 ? std::span<const float>(sums.data(), sums.size())
                             : lanes.front()->gradients();
    }
  };
  // Host memory of a value between parts.
  struct Mailbox {
    cpu::AlignedBuffer<float> values;
    std::vector<cpu::AlignedBuffer<float>> gradients;  // of each reader; none: nobody needs them
  };
  using Mailboxes = std::vector<Mailbox>;  // of each crossing

  Mailboxes make_mailboxes(const std::vector<Crossing>& crossings, std::int64_t rows) const;
  static PartLinks links_of(const GraphPart& part, std::size_t number,
                            const std::vector<Crossing>& crossings, Mailboxes& mailboxes);
  void make_lanes(const std::vector<Crossing>& crossings, const PlanOptions& options,
                  const PartFactory& make_part);
  std::vector<Copy> copies_of(const Graph& graph) const;
  std::vector<DeviceThreads::Turn> turns_of(const PipelineOrder& order);
  void run(const StepInput& input, Work work, std::span<float> predictions);
  void take_turn(const PipelinePass& pass);
  void add_gradients(Part& part, const PipelinePass& pass) const;
  StepInput rows_of(std::size_t micro_batch) const;
  void bring_parameters();
  void collect_gradients(std::size_t part);
  std::size_t lane_of(std::size_t micro_batch) const { return micro_batch % step_order_.lanes; }

  Graph graph_;
  PlanOptions options_;
  cpu::ParameterStore store_;
  cpu::Team team_;  // of the update
  cpu::AlignedBuffer<float> gradients_;
  std::size_t micro_batches_;
  std::vector<Mailboxes> mailboxes_;  // of each lane
  std::vector<Part> parts_;
  PipelineOrder forward_order_, step_order_;  // of both kinds of call
  std::vector<DeviceThreads::Turn> forward_, step_;
  std::uint64_t brought_ = 0;  // version of the parts' parameters
  std::vector<int> uses_;      // of each layer: parts that have it
  // Of the call under way.
  const StepInput* input_ = nullptr;
  Work work_ = Work::predict;
  std::span<float> predictions_;
  std::vector<int> waits_for_;  // of each layer: parts that have still to go backward
  Graph::LayerId open_layer_ = -1;
  std::size_t final_ = 0;  // of the gradients

  const std::atomic<bool>* stop_ = nullptr;
  GradientListener gradient_listener_;
  StatisticsReducer statistics_reducer_;
  DeviceListener device_listener_;
  DeviceThreads threads_;  // the last: it works with all of them
};

}  // namespace headrace
