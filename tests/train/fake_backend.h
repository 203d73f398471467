#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "headrace/pipeline/sequence.h"
#include "headrace/train/backend.h"
#include "headrace/train/communicator.h"

// Doubles to test the trainer with: a data set of a few numbers, a backend that is one linear layer
// in plain loops, and communicators that fail when told.
namespace headrace::fake {

// Called at the beginning of each call of a plan: which one, and of which replica. May throw, wait
// or set flags.
using Hook = std::function<void(const std::string& call, int replica)>;

struct PlanSettings {
  double dropout = 0;  // of inputs
  Hook hook = [](const std::string&, int) {};
  // What the rows of all replicas come to in each step, by the statistics reducer if there is one.
  std::function<void(double sum, std::int64_t expected)> rows_seen = [](double, std::int64_t) {};
  int wrong_updates_of = -1;  // a replica whose weights come out a little different
  // The rows of each update, as ToySequence numbers them.
  std::function<void(std::int64_t sample)> sample_trained = [](std::int64_t) {};
};

// Linear softmax regression by momentum SGD, whatever the layers between the graph's input and its
// output are. Parameters "dense/kernel" and "dense/bias".
class LinearPlan final : public Plan {
 public:
  LinearPlan(const Graph& graph, const PlanOptions& options, const PlanSettings& settings,
             int replica);

  void forward_backward(const StepInput& input) override;
  std::span<float> gradients() override { return gradients_; }
  void set_gradient_listener(GradientListener listener) override {
    gradient_listener_ = std::move(listener);
  }
  void set_statistics_reducer(StatisticsReducer reducer) override { reducer_ = std::move(reducer); }
  void update(double learning_rate, std::uint64_t step) override;
  void evaluate(const StepInput& input) override;
  void predict(const StepInput& input, std::span<float> output) override;
  MetricSums metrics() override { return sums_; }
  void reset_metrics() override { sums_ = {}; }
  void swap_averages() override {}
  std::string find_non_finite(const StepInput&) override { return "the output of layer linear"; }
  std::vector<NamedTensor> parameters() const override { return named(weights_, ""); }
  void set_parameters(std::span<const NamedTensor> parameters) override;
  std::vector<NamedTensor> optimizer_state() const override { return named(velocity_, "/slot0"); }
  void set_optimizer_state(std::span<const NamedTensor> state) override;
  std::size_t memory_bytes() const override { return 3 * weights_.size() * sizeof(float); }
  void set_stop_flag(const std::atomic<bool>* stop) override { stop_ = stop; }

  const std::vector<float>& weights() const { return weights_; }
  const PlanOptions& options() const { return options_; }

 private:
  std::vector<float> inputs_of(const StepInput& input, std::int64_t row, bool training) const;
  std::vector<float> probabilities(const std::vector<float>& x) const;
  std::int32_t count(const StepInput& input, std::int64_t row, const std::vector<float>& p);
  void check(const char* call, const StepInput& input) const;
  std::vector<NamedTensor> named(const std::vector<float>& arena, const char* suffix) const;
  void take(std::span<const NamedTensor> tensors, const char* suffix, std::vector<float>& arena);

  PlanOptions options_;
  const PlanSettings* settings_;
  int replica_;
  std::int64_t features_;
  std::int64_t classes_;
  std::vector<float> weights_;  // kernel [features, classes], then bias
  std::vector<float> gradients_;
  std::vector<float> velocity_;
  MetricSums sums_;
  std::vector<std::int64_t> samples_;  // of the step
  const std::atomic<bool>* stop_ = nullptr;
  GradientListener gradient_listener_;
  StatisticsReducer reducer_;
};

class LinearBackend final : public Backend {
 public:
  explicit LinearBackend(PlanSettings how = {}) : settings(std::move(how)) {}
  std::string name() const override { return "linear"; }
  std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) override;

  PlanSettings settings;
  std::vector<const LinearPlan*> plans;  // by replica, of the trainer made last
};

// input({2, 2, 1}), flatten, dense(3, softmax)
Graph linear_graph(bool synchronized = false);

// Samples of three classes that a linear model can tell apart, not quite; the same in every epoch,
// each epoch in another order (as `seed` has it) unless `shuffle` is off. The field "sample" is a
// sample's index.
class ToySequence final : public Sequence {
 public:
  explicit ToySequence(std::int64_t size, std::uint64_t seed = 1, bool shuffle = true);
  std::int64_t size() const override { return size_; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override;
  std::uint64_t fingerprint() const override { return seed_ * 1000 + (shuffle_ ? 1 : 0); }

 private:
  std::int64_t size_;
  std::uint64_t seed_;
  bool shuffle_;
  BatchSpec spec_;
};

// Local communicators whose rank `failing` throws in its call number `call` of start or wait.
std::vector<std::unique_ptr<Communicator>> make_failing_communicators(int world_size, int failing,
                                                                      const std::string& method,
                                                                      int call);

}  // namespace headrace::fake
