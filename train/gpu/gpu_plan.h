#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/gpu/program.h"
#include "headrace/train/gpu/update_step.h"
#include "headrace/train/step_queue.h"

namespace headrace::gpu {

// A plan whose numbers lie on a device. Everything that a step does there is recorded once for each
// number of rows, and then played: what changes from step to step lies in the device's memory too.
class GpuPlan : public Plan, private StepQueue {
 public:
  GpuPlan(std::shared_ptr<Engine> engine, const Graph& graph, const PlanOptions& options);
  ~GpuPlan() override;

  void forward_backward(const StepInput& input) override;
  // A copy of them on the host, which is kept up from the first call on; what is done to it counts,
  // until they are looked at or the step is taken.
  std::span<float> gradients() override;
  std::span<float> device_gradients() override {
    return {gradients_.as(), gradients_.bytes / sizeof(float)};
  }
  void set_gradient_listener(GradientListener listener) override {
    gradient_listener_ = std::move(listener);
  }
  void set_statistics_reducer(StatisticsReducer reducer) override;
  void update(double learning_rate, std::uint64_t step) override;
  StepQueue* step_queue() override;
  void evaluate(const StepInput& input) override;
  void predict(const StepInput& input, std::span<float> output) override;
  MetricSums metrics() override;
  void reset_metrics() override;
  void swap_averages() override;
  bool gradients_are_finite(bool changed) override;
  std::string find_non_finite(const StepInput& input) override;
  std::vector<NamedTensor> parameters() const override;
  void set_parameters(std::span<const NamedTensor> parameters) override;
  std::vector<NamedTensor> optimizer_state() const override;
  void set_optimizer_state(std::span<const NamedTensor> state) override;
  std::size_t memory_bytes() const override;
  void set_stop_flag(const std::atomic<bool>* stop) override { stop_ = stop; }

 private:
  // What is recorded.
  enum class Part : std::uint8_t {
    whole,  // a step of the queue
    step,   // without its update
    piece,  // of a step: up to the end of a BackwardPart
    forward,
    backward,
    evaluate,
    predict,
    update,
    keep  // as update, but of moving statistics
  };
  struct Buffer {
    std::shared_ptr<std::byte> memory;
    std::size_t bytes = 0;
    template <class T = float>
    T* as() const {
      return reinterpret_cast<T*>(memory.get());
    }
  };

  // gpu_plan_queue.cc
  std::size_t capacity() const override { return 4; }
  std::size_t size() const override { return pushed_ - popped_; }
  void push(const StepInput& input, double learning_rate, std::uint64_t step) override;
  Outcome pop() override;
  StepResult* result() const { return result_.as<StepResult>(); }
  double* confusion() const;  // null: not asked for
  MetricSums sums_of(const StepResult& found, const std::byte* matrix) const;
  void bring_gradients();

  void check_memory() const;
  void check_training(const StepInput& input) const;
  Buffer allocate(std::size_t bytes, const char* what);
  const cpu::LossStep& loss();
  Pass pass(std::int64_t rows, bool training) const;
  bool tells_in_pieces() const;
  void make_ready(Part part, std::int64_t rows, std::size_t piece = 0);
  void play(Part part, std::int64_t rows, std::size_t piece = 0);
  void run(Part part, std::int64_t rows, std::size_t piece);
  void run_forward(const Pass& pass);
  void run_backward(const Pass& pass);
  void run_piece(const Pass& pass, std::size_t piece);
  void run_loss(const Pass& pass);
  void run_update(bool moves_statistics, std::uint32_t* halt);
  // Inputs, labels and scalars, to the device, for these parts.
  void check_stop() const;
  void bring(const StepInput& input, std::initializer_list<Part> parts, bool labels);
  void share_means(std::int64_t rows);
  void check_input(const Program::Input& to, const StepInput& input) const;
  void bring_input(const Program::Input& to, const StepInput& input);
  void bring_labels(const cpu::Labels& labels, std::int64_t rows);
  void own_loss(const StepInput& input, bool training);
  void check_rows(const StepInput& input) const;

  std::vector<float> host_copy(const Buffer& buffer, std::size_t floats) const;
  bool has_averages() const;
  void halve();

  std::shared_ptr<Engine> engine_;
  Graph graph_;
  PlanOptions options_;
  ParameterArena arena_;
  Program program_;
  MemoryPlan memory_;
  std::optional<cpu::LossStep> loss_;  // made when it is first needed
  std::optional<UpdateStep> optimizer_;
  Buffer activations_, parameters_, halves_, gradients_, state_;
  std::vector<Buffer> slots_;  // one arena for each of the optimizer's
  Buffer raw_, labels_, weights_, step_, row_sums_;
  Buffer result_;  // a StepResult, and a matrix of confusion if one is asked for
  Buffer found_;   // not 0: gradients that were looked at are not finite
  std::size_t confusion_bytes_ = 0;
  std::vector<std::byte*> tensors_;
  std::vector<BackwardPart> pieces_;
  std::map<std::tuple<Part, std::int64_t, std::size_t>, std::unique_ptr<Recording>> recordings_;
  bool targets_ = false;                            // labels are those, and not indices
  bool weighted_ = false;                           // rows are
  bool moves_statistics_ = false;                   // the last step had rows
  bool gradients_are_of_queue_ = false;             // and not of forward_backward
  std::vector<float> host_gradients_;               // empty: nobody has asked for them
  bool host_is_ahead_ = false;                      // what they are on the device counts no more
  MetricSums own_sums_;                             // of losses that the host computes
  std::vector<std::unique_ptr<Reading>> readings_;  // of steps of the queue, in turn
  std::size_t pushed_ = 0, popped_ = 0;
  const std::atomic<bool>* stop_ = nullptr;
  GradientListener gradient_listener_;
  StatisticsReducer statistics_reducer_;
};

}  // namespace headrace::gpu
