#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/graph_parts.h"

namespace headrace {

// What is to be done with a batch.
enum class Work : std::uint8_t { train, evaluate, predict };

// Host memory through which a part's values cross from and to other devices: f32, rows x elements,
// for as many rows as a plan has. It lies there as long as the part.
struct PartLinks {
  struct Input {
    const float* values = nullptr;
    float* gradients = nullptr;  // null: nobody needs them
  };
  struct Output {
    float* values = nullptr;
    std::vector<const float*> gradients;  // of each reader: theirs is the sum, in this order
  };
  std::vector<Input> inputs;    // as GraphPart::inputs
  std::vector<Output> outputs;  // as GraphPart::outputs
};

// A part of a model, compiled for its device: what a plan over several devices is made of. A
// backend that has one can compute parts of a model whose other parts are on other backends. Used
// by one thread at a time, not always the same; calls return when their results are in the links.
class PlanPart {
 public:
  virtual ~PlanPart() = default;

  // Inputs are there. Makes outputs; of the last part, the loss (adding to metrics()) or, into
  // `predictions`, the output. The last part's training goes on to its inputs' gradients.
  virtual void forward(const StepInput& input, Work work, std::span<float> predictions) = 0;
  // Outputs' gradients are there, of the forward() before. Makes the inputs'. Not the last part's.
  virtual void backward() = 0;

  // In the layout that ParameterArena gives to the part's graph. Who changes parameters says so.
  virtual std::span<float> parameters() = 0;
  virtual void parameters_have_changed() = 0;
  virtual std::span<const float> gradients() = 0;
  // When the step is taken: parameters that change without a gradient.
  virtual void update_statistics() = 0;
  virtual bool takes_statistics() const = 0;

  virtual MetricSums metrics() = 0;
  virtual void reset_metrics() = 0;
  virtual std::size_t memory_bytes() const = 0;  // beside the links
  virtual void set_stop_flag(const std::atomic<bool>* stop) = 0;
  // As Plan's.
  virtual void start_profile() {}
  virtual std::vector<OperationTime> profile() const { return {}; }
  virtual void set_statistics_reducer(Plan::StatisticsReducer reducer) = 0;
};

// Makes the parts of a plan. Throws Error{unsupported} if a device is not there, or lacks a layer.
using PartFactory = std::function<std::unique_ptr<PlanPart>(
    const GraphPart& part, const PlanOptions& options, PartLinks links)>;

}  // namespace headrace
