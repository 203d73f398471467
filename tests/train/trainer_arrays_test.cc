// fit(x, y) and the like.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// 90 samples of two numbers; the class is which of them is larger.
struct Samples {
  Samples() {
    Rng rng(1, 0);
    for (float& value : x) value = static_cast<float>(rng.uniform());
    for (std::size_t n = 0; n < y.size(); ++n) y[n] = x[2 * n + 1] > x[2 * n] ? 1 : 0;
  }
  std::vector<float> x = std::vector<float>(180);
  std::vector<std::int32_t> y = std::vector<std::int32_t>(90);
};

Graph model() {
  ModelBuilder b;
  b.dense(b.input({2}, "numbers"), 2, {.activation = "softmax"});
  return b.build();
}

class TrainerArrays : public ::testing::Test {
 protected:
  Trainer trainer(int replicas = 1) {
    return Trainer(
        model(), {.batch_size = 20, .replicas = replicas, .optimizer = Adam{.learning_rate = 0.1}},
        *backend_);
  }
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  Samples samples_;
};

TEST_F(TrainerArrays, AreTrainedOnEvaluatedAndPredicted) {
  Trainer one = trainer();
  EXPECT_EQ(one.fit(samples_.x, samples_.y, {.epochs = 30}).size(), 30u);
  EXPECT_EQ(one.total_steps(), 150u);
  const MetricSums sums = one.evaluate(samples_.x, samples_.y);
  EXPECT_EQ(sums.samples, 90);
  EXPECT_GT(sums.accuracy(), 0.9);
  const std::vector<float> output = one.predict(samples_.x);
  ASSERT_EQ(output.size(), 180u);
  double correct = 0;
  for (std::size_t n = 0; n < 90; ++n) {
    EXPECT_NEAR(output[2 * n] + output[2 * n + 1], 1, 1e-5);
    correct += (output[2 * n + 1] > output[2 * n]) == (samples_.y[n] == 1) ? 1 : 0;
  }
  EXPECT_EQ(correct, sums.correct);
}

TEST_F(TrainerArrays, GoOnWhereTheCallBeforeStopped) {
  Trainer once = trainer(), twice = trainer(2);
  once.fit(samples_.x, samples_.y, {.epochs = 4});
  twice.fit(samples_.x, samples_.y, {.epochs = 1});
  twice.fit(samples_.x, samples_.y, {.epochs = 4});
  EXPECT_EQ(twice.total_steps(), once.total_steps());
  const auto a = once.parameters(), b = twice.parameters();
  for (std::size_t p = 0; p < a.size(); ++p) {
    for (std::size_t i = 0; i < a[p].values.size(); ++i) {
      EXPECT_NEAR(a[p].values[i], b[p].values[i], 1e-4) << a[p].name;
    }
  }
}

TEST_F(TrainerArrays, TargetsMayBeOneHot) {
  std::vector<float> targets(180);
  for (std::size_t n = 0; n < 90; ++n) {
    targets[2 * n + static_cast<std::size_t>(samples_.y[n])] = 1;
  }
  Trainer sparse = trainer(), one_hot = trainer();
  const double expected = sparse.fit(samples_.x, samples_.y, {.epochs = 2}).back().loss;
  EXPECT_NEAR(one_hot.fit(samples_.x, targets, {.epochs = 2}).back().loss, expected, 1e-6);
}

TEST_F(TrainerArrays, WhatDoesNotFitIsNamed) {
  Trainer one = trainer();
  samples_.y.pop_back();
  EXPECT_THAT([&] { one.fit(samples_.x, samples_.y, {.epochs = 1}); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("array label"), HasSubstr("numbers has 90"))));
  EXPECT_THAT([&] { one.predict(std::span(samples_.x).first(3)); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("array numbers: 3 values")));
  ModelBuilder b;
  b.dense(b.add(b.input({2}, "a"), b.input({2}, "b")), 2, {.activation = "softmax"});
  Trainer two(b.build(), {}, *backend_);
  EXPECT_THAT([&] { two.predict(samples_.x); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("several inputs")));
}

}  // namespace
}  // namespace headrace
