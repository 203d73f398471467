// Steps that are queued on a device, and what becomes of them; the host stands in for the device,
// and does nothing before somebody waits.
#include "headrace/train/step_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "../support/error_matcher.h"
#include "gpu_plans.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"
#include "host_engine.h"
#include "reference_samples.h"
#include "test_batch.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph small_model() {
  ModelBuilder b;
  auto x = b.conv2d(b.input({5, 4, 3}), 8, 3, {.activation = "relu"});
  x = b.activation(b.batch_normalization(b.conv2d(x, 8, 2)), "relu");
  x = b.dropout(b.flatten(x), 0.4);
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

std::vector<float> flat(const std::vector<NamedTensor>& tensors) {
  std::vector<float> values;
  for (const NamedTensor& tensor : tensors) {
    values.insert(values.end(), tensor.values.begin(), tensor.values.end());
  }
  return values;
}

Batch batch_of(const Graph& graph, std::uint64_t seed, std::int64_t rows = 9, double first = 0) {
  auto samples = random_samples(graph, rows, false, seed);
  if (first != 0) samples.inputs[0][0] = first;
  return make_test_batch(samples, graph.shape(0), LabelForm::sparse);
}

StepInput input_of(const Batch& batch, std::uint64_t step) {
  StepInput input = whole(batch);
  input.step = step;
  return input;
}

struct Lazy {
  std::shared_ptr<HostEngine> engine = std::make_shared<HostEngine>(std::size_t{1} << 40, true);
  EngineBackend backend{engine};
};

void expect_same_sums(const MetricSums& a, const MetricSums& b) {
  EXPECT_EQ(a.values(), b.values());
}

// The same bits as forward_backward() and update(), a shorter batch among the steps; batches are
// gone when their steps are done.
TEST(StepQueue, StepsAreThoseOfForwardBackwardAndUpdate) {
  const std::vector<Optimizer> optimizers{
      Sgd{.momentum = 0.9}, Adam{},
      Sgd{.update = {.clipnorm = 0.05, .use_ema = true, .ema_momentum = 0.7}},
      RmsProp{.momentum = 0.5, .update = {.global_clipnorm = 0.1}}};
  const Graph graph = small_model();
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    for (const Optimizer& optimizer : optimizers) {
      PlanOptions options{.batch_size = 9, .optimizer = optimizer, .precision = precision};
      options.metrics = {.top_k = 2, .confusion = true};
      Lazy lazy;
      EngineBackend prompt(std::make_shared<HostEngine>());
      const auto one = compile_on(lazy.backend, graph, options);
      const auto other = compile_on(prompt, graph, options);
      StepQueue& queue = *one->step_queue();
      std::vector<MetricSums> expected;
      const auto check_oldest = [&] {
        const auto outcome = queue.pop();
        EXPECT_TRUE(outcome.is_finite);
        expect_same_sums(outcome.sums, expected.front());
        expected.erase(expected.begin());
      };
      for (std::uint64_t step = 0; step < 6; ++step) {
        const Batch batch = batch_of(graph, 40 + step, step == 3 ? 4 : 9);
        queue.push(input_of(batch, step), 0.01, step + 1);
        other->reset_metrics();
        other->forward_backward(input_of(batch, step));
        expected.push_back(other->metrics());
        other->update(0.01, step + 1);
        if (queue.size() > 2) check_oldest();
      }
      while (queue.size() > 0) check_oldest();
      EXPECT_TRUE(expected.empty());
      EXPECT_EQ(flat(one->parameters()), flat(other->parameters())) << name(optimizer);
      EXPECT_EQ(flat(one->optimizer_state()), flat(other->optimizer_state()));
    }
  }
}

TEST(StepQueue, AStepIsOneRecordingAndNobodyWaitsForIt) {
  const Graph graph = small_model();
  Lazy lazy;
  const auto plan = compile_on(lazy.backend, graph, {.batch_size = 9});
  StepQueue& queue = *plan->step_queue();
  const Batch batch = batch_of(graph, 3);
  const int waits = lazy.engine->waits;
  for (std::uint64_t step = 0; step < queue.capacity(); ++step) {
    queue.push(input_of(batch, step), 0.01, step + 1);
  }
  EXPECT_EQ(lazy.engine->recorded, 1);
  EXPECT_THAT([&] { queue.push(input_of(batch, 9), 0.01, 9); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("steps are under way")));
  while (queue.size() > 0) EXPECT_EQ(queue.pop().sums.samples, 9);
  EXPECT_EQ(lazy.engine->waits, waits);
  EXPECT_THAT([&] { queue.pop(); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("no step is under way")));
}

// Forward that is not finite, and backward alone.
TEST(StepQueue, AStepThatIsNotFiniteChangesNothingNorDoesAnyAfterIt) {
  const Graph graph = small_model();
  ModelBuilder b;
  b.dense(b.flatten(b.input({5, 4, 3})), 3);
  const Graph linear = b.build();
  const auto check = [](const Graph& model, const PlanOptions& options, double bad) {
    Lazy lazy;
    const auto plan = compile_on(lazy.backend, model, options);
    StepQueue& queue = *plan->step_queue();
    const Batch sound = batch_of(model, 1), broken = batch_of(model, 2, 9, bad);
    queue.push(input_of(sound, 0), 0.01, 1);
    EXPECT_TRUE(queue.pop().is_finite);
    const auto parameters = flat(plan->parameters()), state = flat(plan->optimizer_state());
    queue.push(input_of(broken, 1), 0.01, 2);
    queue.push(input_of(sound, 2), 0.01, 3);
    queue.push(input_of(sound, 3), 0.01, 4);
    const auto outcome = queue.pop();
    EXPECT_FALSE(outcome.is_finite);
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_EQ(flat(plan->parameters()), parameters);
    EXPECT_EQ(flat(plan->optimizer_state()), state);
    EXPECT_NE(plan->find_non_finite(input_of(broken, 1)), "");
    // And it goes on.
    queue.push(input_of(sound, 4), 0.01, 2);
    EXPECT_TRUE(queue.pop().is_finite);
    EXPECT_NE(flat(plan->parameters()), parameters);
    return outcome.sums.loss;
  };
  PlanOptions options{.batch_size = 9, .optimizer = Sgd{.momentum = 0.9}};
  check(graph, options, std::numeric_limits<double>::quiet_NaN());
  options.optimizer = Adam{.update = {.global_clipnorm = 1}};
  check(graph, options, std::numeric_limits<double>::infinity());
  options.loss.kind = LossKind::mean_squared_error;
  EXPECT_FALSE(std::isfinite(check(linear, options, std::numeric_limits<double>::quiet_NaN())));
  EXPECT_TRUE(std::isfinite(check(linear, options, 1e25)));
}

TEST(StepQueue, GradientsThatAreNotFiniteAreFoundWithoutAQueueToo) {
  ModelBuilder b;
  b.dense(b.flatten(b.input({5, 4, 3})), 3);
  const Graph graph = b.build();
  EngineBackend backend(std::make_shared<HostEngine>());
  PlanOptions options{.batch_size = 9, .optimizer = Sgd{}};
  options.loss.kind = LossKind::mean_squared_error;
  const auto plan = compile_on(backend, graph, options);
  const Batch sound = batch_of(graph, 1), broken = batch_of(graph, 2, 9, 1e25);
  plan->forward_backward(input_of(sound, 0));
  EXPECT_TRUE(plan->gradients_are_finite(false));
  plan->forward_backward(input_of(broken, 0));
  EXPECT_TRUE(std::isfinite(plan->metrics().loss));
  EXPECT_FALSE(plan->gradients_are_finite(false));
  plan->forward_backward(input_of(sound, 0));
  EXPECT_TRUE(plan->gradients_are_finite(false));
  // Those that were added up on the host count.
  plan->gradients()[0] = INFINITY;
  EXPECT_FALSE(plan->gradients_are_finite(true));
}

TEST(StepQueue, ALossOfOnesOwnHasNone) {
  EngineBackend backend(std::make_shared<HostEngine>());
  PlanOptions options{.batch_size = 4, .optimizer = Sgd{}};
  options.loss.kind = LossKind::own;
  options.loss.own = [](const LossRows&) { return 0.0; };
  EXPECT_EQ(compile_on(backend, small_model(), options)->step_queue(), nullptr);
}

// Noise; one sample of an epoch may hold a value that is no number.
class Samples final : public Sequence {
 public:
  explicit Samples(std::optional<Position> bad = {}) : bad_(bad) {}
  std::int64_t size() const override { return 40; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      Rng rng = Rng(1, epoch).for_sample(static_cast<std::uint64_t>(first + row));
      float* const pixels = rows.row_as<float>(0, row);
      for (std::int64_t i = 0; i < spec_.fields[0].elements(); ++i) {
        pixels[i] = static_cast<float>(rng.normal());
      }
      if (bad_ == Position{epoch, first + row}) pixels[5] = NAN;
      *rows.row_as<std::int32_t>(1, row) = static_cast<std::int32_t>(rng.below(3));
    }
  }

 private:
  std::optional<Position> bad_;
  BatchSpec spec_{{{"image", ElementType::f32, {5, 4, 3}}, {"label", ElementType::i32, {}}}};
};

TrainerOptions trainer_options() {
  TrainerOptions options;
  options.batch_size = 9;
  options.optimizer = Sgd{.learning_rate = 0.05, .momentum = 0.9};
  return options;
}

Loader loader_of(std::optional<Position> bad = {}, int leases = 2) {
  return Loader(std::make_shared<Samples>(bad), {.batch_size = 9, .threads = 1, .leases = leases});
}

// What is known of an epoch after each step, and checkpoints along the way.
class Watcher final : public Callback {
 public:
  explicit Watcher(std::uint64_t looks_at = 0) : looks_at_(looks_at) {}
  void on_step_end(Trainer& trainer, const StepRecord& step) override {
    samples.push_back(step.epoch_sums.samples);
    EXPECT_EQ(trainer.total_steps(), step.total_steps);
    if (step.total_steps == looks_at_) checkpoint = trainer.checkpoint();
  }
  std::vector<double> samples;
  Checkpoint checkpoint;

 private:
  std::uint64_t looks_at_;
};

struct Trained {
  std::vector<float> weights, state;
  std::vector<double> losses;
};

Trained trained(Trainer& trainer) {
  Trained found{flat(trainer.parameters()), flat(trainer.state().optimizer_state), {}};
  for (const EpochRecord& epoch : trainer.history()) found.losses.push_back(epoch.loss);
  return found;
}

void expect_same(const Trained& a, const Trained& b) {
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.losses, b.losses);
}

// One step after the other, by hand.
Trained trained_step_by_step(int epochs, int steps_of_last = 5) {
  EngineBackend backend(std::make_shared<HostEngine>());
  Trainer trainer(small_model(), trainer_options(), backend);
  const Samples samples;
  Trained found;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    MetricSums sums;
    const int steps = epoch + 1 == epochs ? steps_of_last : 5;
    for (int step = 0; step < steps; ++step) {
      sums += trainer.train_step(make_batch(samples, static_cast<std::uint64_t>(epoch), step, 9));
    }
    if (steps == 5) found.losses.push_back(sums.mean_loss());
  }
  found.weights = flat(trainer.parameters());
  found.state = flat(trainer.state().optimizer_state);
  return found;
}

TEST(StepQueue, AFitThatRunsAheadTrainsAsStepByStep) {
  const Trained expected = trained_step_by_step(2);
  // Samples of the epoch that are known after each step.
  const std::map<int, std::vector<double>> known{{1, {9, 18, 27, 36, 40, 9, 18, 27, 36, 40}},
                                                 {2, {0, 9, 18, 27, 36, 0, 9, 18, 27, 36}},
                                                 {6, {0, 0, 0, 9, 18, 0, 0, 0, 9, 18}}};
  for (const int leases : {1, 2, 6}) {
    Lazy lazy;
    Trainer trainer(small_model(), trainer_options(), lazy.backend);
    Loader data = loader_of({}, leases);
    Watcher watcher;
    trainer.fit(data, {.epochs = 2, .callbacks = {&watcher}});
    expect_same(trained(trainer), expected);
    EXPECT_EQ(watcher.samples, known.at(leases));
    EXPECT_EQ(trainer.state().stream.position, (Position{2, 0}));
  }
}

TEST(StepQueue, ACheckpointBetweenStepsHasAllOfThem) {
  Lazy lazy;
  Trainer first(small_model(), trainer_options(), lazy.backend);
  Loader data = loader_of();
  Watcher watcher(7);
  first.fit(data, {.epochs = 2, .callbacks = {&watcher}});
  const Checkpoint& found = watcher.checkpoint;
  EXPECT_EQ(found.training->total_steps, 7u);
  EXPECT_EQ(found.training->stream.position, (Position{1, 18}));
  EXPECT_EQ(found.training->epoch_sums.samples, 18);
  EXPECT_EQ(flat(found.parameters), trained_step_by_step(2, 2).weights);

  Lazy again;
  Trainer second(small_model(), trainer_options(), again.backend);
  second.set_parameters(found.parameters);
  second.restore(*found.training);
  Loader more = loader_of();
  second.fit(more, {.epochs = 2});
  expect_same(trained(second), trained(first));
}

TEST(StepQueue, AStepThatIsNotFiniteIsNamedAndTheTrainerStandsBeforeIt) {
  const Trained expected = trained_step_by_step(2, 2);
  for (const int leases : {1, 2, 6}) {
    Lazy lazy;
    Trainer trainer(small_model(), trainer_options(), lazy.backend);
    Loader data = loader_of(Position{1, 20}, leases);
    EXPECT_THAT(
        [&] { trainer.fit(data, {.epochs = 3}); },
        throws_error(ErrorCode::backend, AllOf(HasSubstr("epoch 2, samples 18 to 27: "),
                                               HasSubstr("in step 8, with a learning rate of 0.05"),
                                               HasSubstr("the batch's field image, row 2"))));
    EXPECT_EQ(trainer.total_steps(), 7u);
    EXPECT_EQ(trainer.state().stream.position, (Position{1, 18}));
    EXPECT_EQ(trainer.state().epoch_sums.samples, 18);
    EXPECT_EQ(flat(trainer.parameters()), expected.weights);
    EXPECT_EQ(flat(trainer.state().optimizer_state), expected.state);
    // With other data it can go on.
    Loader sound = loader_of();
    trainer.fit(sound, {.epochs = 2});
    expect_same(trained(trainer), trained_step_by_step(2));
  }
}

TEST(StepQueue, AnErrorInACallbackFindsTheTrainerAfterAWholeStep) {
  class Failing final : public Callback {
   public:
    void on_step_end(Trainer&, const StepRecord& step) override {
      if (step.total_steps == 3) throw Error(ErrorCode::io, "no more paper");
    }
  } failing;
  Lazy lazy;
  Trainer trainer(small_model(), trainer_options(), lazy.backend);
  Loader data = loader_of();
  EXPECT_THAT([&] { trainer.fit(data, {.epochs = 1, .callbacks = {&failing}}); },
              throws_error(ErrorCode::io, HasSubstr("paper")));
  EXPECT_EQ(trainer.state().epoch_sums.samples, 27);
  EXPECT_EQ(trainer.state().stream.position, (Position{0, 27}));
  trainer.fit(data, {.epochs = 1});
  EXPECT_EQ(trained(trainer).weights, trained_step_by_step(1).weights);
}

TEST(StepQueue, StepsAheadByHandTellTheirSumsLater) {
  Lazy lazy;
  Trainer trainer(small_model(), trainer_options(), lazy.backend);
  const Samples samples;
  MetricSums sums;
  std::vector<double> told;
  for (int step = 0; step < 5; ++step) {
    sums += trainer.train_ahead(std::make_shared<const Batch>(make_batch(samples, 0, step, 9)));
    told.push_back(sums.samples);
  }
  EXPECT_THAT(told, ElementsAre(0, 0, 0, 9, 18));
  sums += trainer.finish_steps();
  EXPECT_DOUBLE_EQ(sums.mean_loss(), trained_step_by_step(1).losses[0]);
  EXPECT_EQ(flat(trainer.parameters()), trained_step_by_step(1).weights);
  EXPECT_EQ(trainer.finish_steps().samples, 0);
}

}  // namespace
}  // namespace headrace
