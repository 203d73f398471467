// What a Trainer makes of losses, schedules, averages and metrics, on the CPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../support/error_matcher.h"
#include "fake_backend.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using fake::ToySequence;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph model() {
  ModelBuilder b;
  auto x = b.dense(b.flatten(b.input({2, 2, 1})), 5, {.activation = "relu", .name = "first"});
  b.dense(x, 3, {.activation = "softmax", .name = "second"});
  return b.build();
}

class TrainerOptionsTest : public ::testing::Test {
 protected:
  Trainer trainer(const TrainerOptions& wishes) {
    TrainerOptions options = wishes;
    options.batch_size = 16;
    options.threads = 1;
    return Trainer(model(), options, *backend_);
  }
  static Loader data() {
    return Loader(std::make_shared<ToySequence>(64), {.batch_size = 16, .threads = 1});
  }
  static Batch batch(std::uint64_t epoch = 0) {
    return make_batch(ToySequence(1'000), epoch, 0, 16);
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  Loader validation_{std::make_shared<ToySequence>(32, 9, false), {.batch_size = 16, .threads = 1}};
};

using Values = std::vector<std::vector<float>>;

Values values_of(const std::vector<NamedTensor>& tensors) {
  Values all;
  for (const auto& tensor : tensors) all.push_back(tensor.values);
  return all;
}

TEST_F(TrainerOptionsTest, AScheduleBySteps) {
  const Schedule halving{.rate = ExponentialDecay{0.5, 1, 0.5}};
  Trainer by_schedule = trainer({.optimizer = Sgd{}, .schedule = halving});
  Trainer by_hand = trainer({.optimizer = Sgd{}});
  for (int step = 0; step < 4; ++step) {
    EXPECT_DOUBLE_EQ(by_schedule.learning_rate(), std::pow(0.5, step + 1));
    by_hand.set_learning_rate(std::pow(0.5, step + 1));
    by_schedule.train_step(batch());
    by_hand.train_step(batch());
  }
  EXPECT_EQ(values_of(by_schedule.parameters()), values_of(by_hand.parameters()));
  EXPECT_THAT([&] { by_schedule.set_learning_rate(1); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("follows a schedule")));
}

TEST_F(TrainerOptionsTest, TheHistoryHasTheRateOfAnEpochsLastStep) {
  Trainer by_epoch = trainer({.schedule = parse_schedule("polynomial:initial=1", 0, 4)});
  Loader epochs = data(), steps = data();
  by_epoch.fit(epochs, {.epochs = 2});
  EXPECT_DOUBLE_EQ(by_epoch.history()[0].learning_rate, 1);
  EXPECT_DOUBLE_EQ(by_epoch.history()[1].learning_rate, 0.75);
  Trainer by_step =
      trainer({.schedule = parse_schedule("polynomial:initial=1,over=8,unit=step", 0, 4)});
  by_step.fit(steps, {.epochs = 1});
  EXPECT_DOUBLE_EQ(by_step.history()[0].learning_rate, 0.625);
}

TEST_F(TrainerOptionsTest, AScheduleComesBackWithTheState) {
  const auto line = parse_schedule("cosine:initial=0.1,over=9,unit=step", 0, 1);
  Trainer first = trainer({.schedule = line});
  first.train_step(batch());
  const TrainingState state = first.state();
  Trainer without = trainer({});
  without.restore(state);
  EXPECT_EQ(without.learning_rate(), first.learning_rate());
  Trainer other = trainer({.schedule = parse_schedule("constant:rate=1", 0, 1)});
  EXPECT_THAT([&] { other.restore(state); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("cosine:"), HasSubstr("constant:rate=1"))));

  const Schedule function{.rate = RateFunction([](double) { return 0.25; })};
  Trainer own = trainer({.schedule = function});
  Trainer bare = trainer({});
  EXPECT_THAT([&] { bare.restore(own.state()); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("function of its caller's")));
  Trainer again = trainer({.schedule = function});
  again.restore(own.state());
  EXPECT_EQ(again.learning_rate(), 0.25);
}

TEST_F(TrainerOptionsTest, AveragesAreWhatIsEvaluatedAndSaved) {
  const TrainerOptions plain{.optimizer = Sgd{.learning_rate = 0.5}};
  const TrainerOptions averaged{
      .optimizer = Sgd{.learning_rate = 0.5, .update = {.use_ema = true, .ema_momentum = 0.75}}};
  Trainer raw = trainer(plain), smooth = trainer(averaged);
  EXPECT_EQ(values_of(smooth.parameters()), values_of(raw.parameters()));
  Values expected;
  for (std::uint64_t step = 0; step < 5; ++step) {
    raw.train_step(batch(step));
    smooth.train_step(batch(step));
    const Values weights = values_of(raw.parameters());
    if (step == 0) expected = weights;
    for (std::size_t p = 0; p < weights.size(); ++p) {
      for (std::size_t i = 0; i < weights[p].size(); ++i) {
        expected[p][i] = 0.75f * expected[p][i] + 0.25f * weights[p][i];
      }
    }
  }
  const Values averages = values_of(smooth.parameters());
  for (std::size_t p = 0; p < expected.size(); ++p) {
    for (std::size_t i = 0; i < expected[p].size(); ++i) {
      EXPECT_NEAR(averages[p][i], expected[p][i], 1e-6);
    }
  }
  // The weights that are trained are the same with averages and without.
  EXPECT_EQ(values_of(smooth.state().optimizer_state), values_of(raw.parameters()));
  raw.set_parameters(smooth.parameters());
  EXPECT_EQ(smooth.evaluate(validation_).loss, raw.evaluate(validation_).loss);
  EXPECT_EQ(smooth.predict(batch()), raw.predict(batch()));

  Trainer resumed = trainer(averaged);
  resumed.set_parameters(smooth.parameters());
  resumed.restore(smooth.state());
  resumed.train_step(batch(9));
  smooth.train_step(batch(9));
  EXPECT_EQ(values_of(resumed.parameters()), values_of(smooth.parameters()));
  EXPECT_EQ(values_of(resumed.state().optimizer_state), values_of(smooth.state().optimizer_state));
}

TEST_F(TrainerOptionsTest, CountsTheTopOfTheClassesOverReplicas) {
  std::vector<double> shares;
  for (const int replicas : {1, 3}) {
    Trainer counting =
        trainer({.replicas = replicas, .metrics = {.top_k = 2, .confusion = true}, .seed = 2});
    const MetricSums sums = counting.evaluate(validation_);
    shares.push_back(sums.top_k_accuracy());
    double all = 0;
    for (const double count : sums.confusion) all += count;
    EXPECT_EQ(all, 32);
    EXPECT_GE(sums.top_k_correct, sums.correct);
    Loader training = data();
    counting.fit(training, {.epochs = 1, .validation = &validation_});
    EXPECT_TRUE(counting.history()[0].top_k_accuracy.has_value());
    EXPECT_GE(counting.history()[0].val_top_k_accuracy, counting.history()[0].val_accuracy);
  }
  EXPECT_EQ(shares[0], shares[1]);
}

// Cross-entropy of probabilities, by hand.
double own_loss(const LossRows& rows) {
  const auto labels = rows.batch->field("label").as<std::int32_t>();
  double loss = 0;
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    const auto label = static_cast<std::size_t>(labels[static_cast<std::size_t>(rows.first + row)]);
    const std::size_t at = static_cast<std::size_t>(row) * 3 + label;
    loss -= std::log(rows.output[at]);
    if (rows.gradient.empty()) continue;
    for (std::size_t c = 0; c < 3; ++c) rows.gradient[static_cast<std::size_t>(row) * 3 + c] = 0;
    rows.gradient[at] = -1 / rows.output[at];
  }
  return loss;
}

TEST_F(TrainerOptionsTest, ALossOfOnesOwnTrainsAsTheBuiltInOne) {
  for (const int replicas : {1, 2}) {
    Trainer built_in = trainer({.replicas = replicas, .optimizer = Sgd{.learning_rate = 0.5}});
    Trainer own = trainer({.replicas = replicas,
                           .loss = {.kind = LossKind::own, .own = own_loss},
                           .optimizer = Sgd{.learning_rate = 0.5}});
    for (std::uint64_t step = 0; step < 5; ++step) {
      const MetricSums expected = built_in.train_step(batch(step));
      const MetricSums found = own.train_step(batch(step));
      EXPECT_NEAR(found.loss, expected.loss, 1e-5 * expected.loss);
      EXPECT_EQ(found.correct, expected.correct);
    }
  }
}

TEST_F(TrainerOptionsTest, ALossThatIsNotFiniteNamesTheLayerAndSavesTheWeights) {
  Trainer ruined = trainer({.replicas = 2});
  auto weights = ruined.parameters();
  for (float& value : weights[2].values) value = std::numeric_limits<float>::max();
  ruined.set_parameters(weights);
  EXPECT_THAT([&] { ruined.train_step(batch()); },
              throws_error(ErrorCode::backend,
                           AllOf(HasSubstr("in step 1"), HasSubstr("the output of layer second"))));
  EXPECT_EQ(values_of(ruined.parameters()), values_of(weights));

  weights[0].values[0] = std::numeric_limits<float>::quiet_NaN();
  ruined.set_parameters(weights);
  EXPECT_THAT([&] { ruined.train_step(batch()); },
              throws_error(ErrorCode::backend, HasSubstr("the parameter first/kernel")));
}

// ToySequence, but one value is not a number.
class Blemished final : public Sequence {
 public:
  std::int64_t size() const override { return good_.size(); }
  const BatchSpec& spec() const override { return good_.spec(); }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    good_.fill(epoch, first, rows);
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      if (first + row == 37) rows.row_as<float>(0, row)[2] = std::nanf("");
    }
  }

 private:
  ToySequence good_{64};
};

TEST_F(TrainerOptionsTest, ABadValueInTheDataIsFoundInItsRow) {
  Loader data(std::make_shared<Blemished>(), {.batch_size = 16, .threads = 1});
  Trainer fine = trainer({});
  EXPECT_THAT([&] { fine.fit(data, {.epochs = 1}); },
              throws_error(ErrorCode::backend,
                           AllOf(HasSubstr("epoch 1, samples 32 to 48"), HasSubstr("step 3"),
                                 HasSubstr("the batch's field image, row 5"))));
}

}  // namespace
}  // namespace headrace
