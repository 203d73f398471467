#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/train/communicator.h"
#include "headrace/train/graph.h"
#include "headrace/train/loss.h"
#include "headrace/train/operation_time.h"
#include "headrace/train/optimizer.h"
#include "headrace/train/precision.h"
#include "headrace/train/tensor.h"

namespace headrace {

// What a plan is compiled for.
struct PlanOptions {
  std::int64_t batch_size = 32;  // rows of one call, at most
  // That compute it, of all CPU devices together, each of which has at least one. Sums depend on
  // it, so it is fixed.
  int threads = 1;
  bool training = true;  // false: forward only, no gradient memory
  Loss loss = {};
  Optimizer optimizer = {};
  std::string label_field = "label";
  Precision precision = Precision::f32;
  MetricOptions metrics = {};
  // Parts of a batch that follow each other through the devices of a model that is placed on
  // several: while one computes a part the next one computes the part before.
  int micro_batches = 1;
};

// The part of a batch that one replica works on.
struct StepInput {
  const Batch* batch = nullptr;
  std::int64_t first = 0;         // its rows of the batch: [first, first + rows)
  std::int64_t rows = 0;          // may be 0: gradients are then zero
  std::int64_t global_rows = 0;   // of all replicas; gradients are sums over own rows divided by it
  std::uint64_t seed = 0;         // of dropout, with the step and the global row
  std::uint64_t step = 0;         // counts from 0
  std::int64_t global_first = 0;  // own first row, counted over all replicas
};

// A model compiled by a backend for a device, or for those that its layers are placed on:
// primitives, over memory planned in advance.
// Parameters, gradients and optimizer state live each in one flat arena, gradients in backward
// order. Used by one thread at a time; calls return when the work is done or safely queued.
class Plan {
 public:
  virtual ~Plan() = default;

  // Forward, loss, backward; adds to metrics(). Throws Error{invalid_argument} if the batch does
  // not fit the model, Error{cancelled} if the plan's stop flag is seen between two primitives.
  virtual void forward_backward(const StepInput& input) = 0;
  // The gradients of the last forward_backward, for a Communicator to add up in place.
  virtual std::span<float> gradients() = 0;
  // The same where the device has them, for a Communicator that reaches it; empty: nowhere else.
  virtual std::span<float> device_gradients() { return {}; }
  // Called by forward_backward, on its caller's thread, each time that a further part of
  // gradients() is final: elements [first, last), from the arena's beginning to its end without
  // gaps. Backward goes on meanwhile and does not touch them again. Empty: nobody is told.
  using GradientListener = std::function<void(std::size_t first, std::size_t last)>;
  virtual void set_gradient_listener(GradientListener listener) = 0;
  // Adds up values over all replicas in place: what synchronised batch normalisation takes its
  // statistics from. Called by forward_backward, on its caller's thread, the same number of times
  // with buffers of the same sizes on every replica, those without rows too; the stop flag is then
  // not looked at, so that no replica waits for one that has stopped. Empty: each replica takes
  // the statistics of its own rows.
  using StatisticsReducer = std::function<void(std::span<float> values)>;
  virtual void set_statistics_reducer(StatisticsReducer reducer) = 0;
  // A device of several that compute the plan begins with a part of the model.
  struct DeviceTurn {
    std::string device;     // "cpu:1"
    std::string layers;     // "lstm[1], lstm_tanh"
    bool backward = false;  // the part that the model ends in goes backward in its forward turn
    bool is_over = false;
  };
  // Called for each turn, on the thread of the device, before it computes and after. Plans of one
  // device have no turns. Empty: nobody is told.
  using DeviceListener = std::function<void(const DeviceTurn& turn)>;
  virtual void set_device_listener(DeviceListener /*listener*/) {}
  // One optimizer step over the whole arena. `step` counts from 1.
  virtual void update(double learning_rate, std::uint64_t step) = 0;
  // The plan's own, for training ahead of its caller (step_queue.h); null: there is none.
  virtual class StepQueue* step_queue() { return nullptr; }

  // Forward and loss, as for inference (no dropout); adds to metrics().
  virtual void evaluate(const StepInput& input) = 0;
  // The model's output for the input's rows, rows x output elements. Labels are not looked at.
  virtual void predict(const StepInput& input, std::span<float> output) = 0;

  // Sums since the last reset.
  virtual MetricSums metrics() = 0;
  virtual void reset_metrics() = 0;

  // Exchanges the weights and their averages (UpdateOptions::use_ema), which are the optimizer's
  // last slot; called twice, all is as before. Without averages it does nothing.
  virtual void swap_averages() = 0;
  // Whether gradients() are finite; `changed` since forward_backward(), which may know already.
  virtual bool gradients_are_finite(bool /*changed*/) { return true; }
  // Where the first value that is not finite comes from, for people: an input's row, a parameter,
  // a layer, or, if forward is finite, the first layer on the way back whose parameters have such
  // gradients, of the last step. Slow; never calls the statistics reducer. Empty: all is finite.
  virtual std::string find_non_finite(const StepInput& input) = 0;

  // Parameters in Keras' names and layout ("conv2d/kernel"), in the graph's order.
  virtual std::vector<NamedTensor> parameters() const = 0;
  // Throws Error{invalid_argument} naming the tensor if one is missing, unknown or misshapen.
  // Averages become the same values.
  virtual void set_parameters(std::span<const NamedTensor> parameters) = 0;
  // Optimizer state, a tensor for each parameter and slot ("conv2d/kernel/slot0").
  virtual std::vector<NamedTensor> optimizer_state() const = 0;
  virtual void set_optimizer_state(std::span<const NamedTensor> state) = 0;

  // Activations, parameters, gradients and optimizer state.
  virtual std::size_t memory_bytes() const = 0;

  // From now on the time of operations is taken, from 0 on. Backends that cannot pass over it.
  virtual void start_profile() {}
  virtual std::vector<OperationTime> profile() const { return {}; }

  // Checked between primitives; set by a signal handler or another thread. May be null.
  virtual void set_stop_flag(const std::atomic<bool>* stop) = 0;
};

// Who computes.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;  // "cpu (oneDNN 2.6.3)"
  // Throws Error{unsupported} if the backend lacks one of the graph's layers, or a device that one
  // is placed on.
  virtual std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) = 0;
  // A communicator of the same ranks that goes from device to device, if there is such a way; all
  // call this. Throws Error{backend} naming a rank that has not come by the deadline.
  virtual std::unique_ptr<Communicator> connect(std::unique_ptr<Communicator> processes,
                                                Wire /*wire*/,
                                                std::chrono::milliseconds /*deadline*/) {
    return processes;
  }
};

// The CPU, by oneDNN.
std::unique_ptr<Backend> make_cpu_backend();

// An NVIDIA GPU, by cuDNN and cuBLASLt, which are opened here and not before; `device` counts those
// that CUDA_VISIBLE_DEVICES leaves. Plans have a queue each, whatever PlanOptions::threads
// says. connect() is by NCCL; where it is not there, or ranks share a GPU, it says so. Throws
// Error{unsupported} if there is none: no CUDA in this build, no driver or too old a one.
std::unique_ptr<Backend> make_cuda_backend(int device = 0);

}  // namespace headrace
