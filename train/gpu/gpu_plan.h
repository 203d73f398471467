#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/gpu/program.h"
#include "headrace/train/gpu/update_step.h"

namespace headrace::gpu {

// A plan whose numbers lie on a device. Everything that a step does there is recorded once for each
// number of rows, and then played: what changes from step to step lies in the device's memory too.
class GpuPlan : public Plan {
 public:
  GpuPlan(std::shared_ptr<Engine> engine, const Graph& graph, const PlanOptions& options);
  ~GpuPlan() override;

  void forward_backward(const StepInput& input) override;
  // A copy of them on the host, which is kept up from the first call on; what is done to it counts.
  std::span<float> gradients() override;
  std::span<float> device_gradients() override {
    return {gradients_.as(), gradients_.bytes / sizeof(float)};
  }
  void set_gradient_listener(GradientListener listener) override {
    gradient_listener_ = std::move(listener);
  }
  void set_statistics_reducer(StatisticsReducer reducer) override;
  void update(double learning_rate, std::uint64_t step) override;
  void evaluate(const StepInput& input) override;
  void predict(const StepInput& input, std::span<float> output) override;
  MetricSums metrics() override;
  void reset_metrics() override;
  void swap_averages() override;
  std::string find_non_finite(const StepInput& input) override;
  std::vector<NamedTensor> parameters() const override;
  void set_parameters(std::span<const NamedTensor> parameters) override;
  std::vector<NamedTensor> optimizer_state() const override;
  void set_optimizer_state(std::span<const NamedTensor> state) override;
  std::size_t memory_bytes() const override;
  void set_stop_flag(const std::atomic<bool>* stop) override { stop_ = stop; }

 private:
  // What is recorded.
  enum class Part : std::uint8_t { step, forward, backward, evaluate, predict, update, keep };
  struct Buffer {
    std::shared_ptr<std::byte> memory;
    std::size_t bytes = 0;
    template <class T = float>
    T* as() const {
      return reinterpret_cast<T*>(memory.get());
    }
  };

  void check_memory() const;
  Buffer allocate(std::size_t bytes, const char* what);
  const cpu::LossStep& loss();
  Pass pass(std::int64_t rows, bool training) const;
  void make_ready(Part part, std::int64_t rows);
  void play(Part part, std::int64_t rows);
  void run(Part part, std::int64_t rows);
  void run_forward(const Pass& pass);
  void run_backward(const Pass& pass);
  void run_loss(const Pass& pass);
  void run_update(bool moves_statistics);
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
  Buffer raw_, labels_, weights_, step_, row_sums_, sums_, confusion_;
  std::vector<std::byte*> tensors_;
  std::map<std::pair<Part, std::int64_t>, std::unique_ptr<Recording>> recordings_;
  bool targets_ = false;               // labels are those, and not indices
  bool weighted_ = false;              // rows are
  bool moves_statistics_ = false;      // the last step had rows
  std::vector<float> host_gradients_;  // empty: nobody has asked for them
  MetricSums own_sums_;                // of losses that the host computes
  const std::atomic<bool>* stop_ = nullptr;
  GradientListener gradient_listener_;
  StatisticsReducer statistics_reducer_;
};

}  // namespace headrace::gpu
