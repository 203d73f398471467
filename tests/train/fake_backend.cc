#include "fake_backend.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "headrace/pipeline/epoch_order.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/model_builder.h"

namespace headrace::fake {

LinearPlan::LinearPlan(const Graph& graph, const PlanOptions& options, const PlanSettings& settings,
                       int replica)
    : options_(options),
      settings_(&settings),
      replica_(replica),
      features_(graph.nodes().front().shape.elements()),
      classes_(graph.shape(graph.output()).elements()),
      weights_(static_cast<std::size_t>((features_ + 1) * classes_)),
      gradients_(weights_.size()),
      velocity_(weights_.size()) {}

void LinearPlan::check(const char* call, const StepInput& input) const {
  settings_->hook(call, replica_);
  if (input.rows > options_.batch_size) {
    throw Error(ErrorCode::invalid_argument, "more rows than the plan was made for");
  }
}

std::vector<float> LinearPlan::inputs_of(const StepInput& input, std::int64_t row,
                                         bool training) const {
  const auto all = input.batch->field("image").as<float>();
  const auto first = all.begin() + (input.first + row) * features_;
  std::vector<float> x(first, first + features_);
  if (training && settings_->dropout > 0) {
    Rng rng = Rng(input.seed, input.step)
                  .for_sample(static_cast<std::uint64_t>(input.global_first + row));
    for (float& value : x) value = rng.chance(settings_->dropout) ? 0.0f : value * 2;
  }
  return x;
}

std::vector<float> LinearPlan::probabilities(const std::vector<float>& x) const {
  std::vector<float> p(weights_.end() - classes_, weights_.end());
  for (std::size_t k = 0; k < p.size(); ++k) {
    for (std::size_t i = 0; i < x.size(); ++i) p[k] += x[i] * weights_[i * p.size() + k];
  }
  const float largest = *std::max_element(p.begin(), p.end());
  float sum = 0;
  for (float& value : p) sum += value = std::exp(value - largest);
  for (float& value : p) value /= sum;
  return p;
}

std::int32_t LinearPlan::count(const StepInput& input, std::int64_t row,
                               const std::vector<float>& p) {
  const auto labels = input.batch->field(options_.label_field).as<std::int32_t>();
  const std::int32_t label = labels[static_cast<std::size_t>(input.first + row)];
  const auto best = std::max_element(p.begin(), p.end()) - p.begin();
  sums_ += {-std::log(static_cast<double>(p[static_cast<std::size_t>(label)])),
            best == label ? 1.0 : 0.0, 1.0};
  return label;
}

void LinearPlan::forward_backward(const StepInput& input) {
  check("forward_backward", input);
  std::fill(gradients_.begin(), gradients_.end(), 0.0f);
  if (reducer_) {
    std::vector<float> rows{static_cast<float>(input.rows)};
    reducer_(rows);
    settings_->rows_seen(rows[0], input.global_rows);
  }
  const auto samples = input.batch->field("sample").as<std::int64_t>().subspan(
      static_cast<std::size_t>(input.first), static_cast<std::size_t>(input.rows));
  samples_.assign(samples.begin(), samples.end());
  const auto scale = 1.0f / static_cast<float>(input.global_rows);
  for (std::int64_t row = 0; row < input.rows; ++row) {
    if (stop_ != nullptr && *stop_) throw Error(ErrorCode::cancelled, "stopped");
    const std::vector<float> x = inputs_of(input, row, true);
    std::vector<float> delta = probabilities(x);
    delta[static_cast<std::size_t>(count(input, row, delta))] -= 1;
    for (std::size_t k = 0; k < delta.size(); ++k) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        gradients_[i * delta.size() + k] += scale * delta[k] * x[i];
      }
      gradients_[x.size() * delta.size() + k] += scale * delta[k];
    }
  }
  // As in a backward pass, they are final by and by.
  const std::size_t half = gradients_.size() / 2;
  if (gradient_listener_) gradient_listener_(0, half);
  settings_->hook("half_backward", replica_);
  if (gradient_listener_) gradient_listener_(half, gradients_.size());
}

void LinearPlan::update(double learning_rate, std::uint64_t) {
  settings_->hook("update", replica_);
  for (const std::int64_t sample : samples_) settings_->sample_trained(sample);
  const auto momentum = static_cast<float>(std::get<Sgd>(options_.optimizer).momentum);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    velocity_[i] = momentum * velocity_[i] - static_cast<float>(learning_rate) * gradients_[i];
    weights_[i] += velocity_[i];
  }
  if (settings_->wrong_updates_of == replica_) weights_[0] += 1e-6f;
}

void LinearPlan::evaluate(const StepInput& input) {
  check("evaluate", input);
  for (std::int64_t row = 0; row < input.rows; ++row) {
    if (stop_ != nullptr && *stop_) throw Error(ErrorCode::cancelled, "stopped");
    count(input, row, probabilities(inputs_of(input, row, false)));
  }
}

void LinearPlan::predict(const StepInput& input, std::span<float> output) {
  check("predict", input);
  for (std::int64_t row = 0; row < input.rows; ++row) {
    const auto p = probabilities(inputs_of(input, row, false));
    std::copy(p.begin(), p.end(), output.begin() + row * classes_);
  }
}

std::vector<NamedTensor> LinearPlan::named(const std::vector<float>& arena,
                                           const char* suffix) const {
  const auto bias = arena.end() - classes_;
  return {{std::string("dense/kernel") + suffix, {features_, classes_}, {arena.begin(), bias}},
          {std::string("dense/bias") + suffix, {classes_}, {bias, arena.end()}}};
}

void LinearPlan::take(std::span<const NamedTensor> tensors, const char* suffix,
                      std::vector<float>& arena) {
  const auto expected = named(arena, suffix);
  std::vector<float> taken;
  for (const NamedTensor& wanted : expected) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& each) {
      return each.name == wanted.name && each.shape == wanted.shape;
    });
    if (found == tensors.end()) {
      throw Error(ErrorCode::invalid_argument, wanted.name + " is missing");
    }
    taken.insert(taken.end(), found->values.begin(), found->values.end());
  }
  arena = taken;
}

void LinearPlan::set_parameters(std::span<const NamedTensor> parameters) {
  take(parameters, "", weights_);
}

void LinearPlan::set_optimizer_state(std::span<const NamedTensor> state) {
  take(state, "/slot0", velocity_);
}

std::unique_ptr<Plan> LinearBackend::compile(const Graph& graph, const PlanOptions& options) {
  const int replica = static_cast<int>(plans.size());
  settings.hook("compile", replica);
  auto plan = std::make_unique<LinearPlan>(graph, options, settings, replica);
  plans.push_back(plan.get());
  return plan;
}

Graph linear_graph(bool synchronized) {
  ModelBuilder model;
  auto x = model.flatten(model.input({2, 2, 1}));
  if (synchronized) x = model.batch_normalization(x, {.synchronized = true});
  model.dense(x, 3, {.activation = "softmax"});
  return model.build();
}

ToySequence::ToySequence(std::int64_t size, std::uint64_t seed, bool shuffle)
    : size_(size),
      seed_(seed),
      shuffle_(shuffle),
      spec_{{{"image", ElementType::f32, {2, 2, 1}},
             {"label", ElementType::i32, {}},
             {"sample", ElementType::i64, {}}}} {}

void ToySequence::fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const {
  const EpochOrder order(size_, shuffle_ ? Shuffle::full : Shuffle::none, seed_, epoch);
  for (std::int64_t row = 0; row < rows.count(); ++row) {
    const std::int64_t index = order.index_at(first + row);
    const auto label = static_cast<std::int32_t>(index % 3);
    Rng rng = Rng(42, 0).for_sample(static_cast<std::uint64_t>(index));
    auto* x = rows.row_as<float>(0, row);
    for (int i = 0; i < 4; ++i) {
      x[i] = static_cast<float>(rng.normal() * 0.5 + (i == label ? 1.0 : 0.0));
    }
    *rows.row_as<std::int32_t>(1, row) = label;
    *rows.row_as<std::int64_t>(2, row) = index;
  }
}

namespace {

class FailingCommunicator final : public Communicator {
 public:
  FailingCommunicator(std::unique_ptr<Communicator> inner, std::string method, int call)
      : inner_(std::move(inner)), method_(std::move(method)), calls_left_(call) {}

  int rank() const override { return inner_->rank(); }
  int world_size() const override { return inner_->world_size(); }
  Ticket start(Collective operation, std::span<float> buffer) override {
    fail_if_due("start");
    return inner_->start(operation, buffer);
  }
  void wait(Ticket ticket, std::chrono::milliseconds deadline) override {
    fail_if_due("wait");
    inner_->wait(ticket, deadline);
  }
  void abort(const char* reason) noexcept override { inner_->abort(reason); }

 private:
  void fail_if_due(const std::string& method) {
    if (method == method_ && calls_left_-- == 0) {
      throw Error(ErrorCode::backend, "the link is down");
    }
  }

  std::unique_ptr<Communicator> inner_;
  std::string method_;
  int calls_left_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_failing_communicators(int world_size, int failing,
                                                                      const std::string& method,
                                                                      int call) {
  auto ranks = make_local_communicators(world_size);
  auto& rank = ranks[static_cast<std::size_t>(failing)];
  rank = std::make_unique<FailingCommunicator>(std::move(rank), method, call);
  return ranks;
}

}  // namespace headrace::fake
