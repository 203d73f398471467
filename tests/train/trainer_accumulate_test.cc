// Batches in parts, on the CPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../support/error_matcher.h"
#include "fake_backend.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/trainer.h"

namespace headrace {
namespace {

using fake::ToySequence;
using ::testing::HasSubstr;

Graph model() {
  ModelBuilder b;
  auto x = b.conv2d(b.input({2, 2, 1}), 6, 2, {.padding = Padding::same, .activation = "relu"});
  x = b.dropout(b.dense(b.flatten(x), 12, {.activation = "tanh"}), 0.3);
  return b.build(b.dense(x, 3, {.activation = "softmax"}));
}

struct Trained {
  std::vector<NamedTensor> weights;
  EpochRecord last;
  std::size_t bytes = 0;
};

// 3 epochs of 4 batches, the last of which has 4 samples.
Trained train(int accumulate, int replicas = 1) {
  const auto backend = make_cpu_backend();
  TrainerOptions options;
  options.batch_size = 20;
  options.replicas = replicas;
  options.threads = 2;
  options.accumulate = accumulate;
  options.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9};
  Trainer trainer(model(), options, *backend);
  Loader data(std::make_shared<ToySequence>(64), {.batch_size = 20, .threads = 1});
  trainer.fit(data, {.epochs = 3});
  return {trainer.parameters(), trainer.history().back(), trainer.memory_bytes()};
}

double relative_difference(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  double difference = 0, norm = 0;
  for (std::size_t t = 0; t < a.size(); ++t) {
    for (std::size_t i = 0; i < a[t].values.size(); ++i) {
      difference += std::pow(static_cast<double>(a[t].values[i]) - b[t].values.at(i), 2);
      norm += std::pow(a[t].values[i], 2);
    }
  }
  return std::sqrt(difference / norm);
}

// Dropout too: what falls out depends on a sample's place in the batch.
TEST(TrainerAccumulate, GivesTheWeightsOfWholeBatches) {
  const Trained whole = train(1);
  for (const int accumulate : {2, 3, 7}) {
    const Trained parts = train(accumulate);
    EXPECT_LE(relative_difference(whole.weights, parts.weights), 1e-5) << accumulate << " parts";
    EXPECT_NEAR(whole.last.loss, parts.last.loss, 1e-5);
    EXPECT_EQ(whole.last.accuracy, parts.last.accuracy);
  }
  EXPECT_LE(relative_difference(whole.weights, train(3, 2).weights), 1e-5);
}

TEST(TrainerAccumulate, PlansAreMadeForPartsAlone) {
  fake::LinearBackend backend;
  TrainerOptions options;
  options.batch_size = 20;
  options.replicas = 2;
  options.accumulate = 4;
  Trainer trainer(fake::linear_graph(), options, backend);
  EXPECT_EQ(backend.plans[1]->options().batch_size, 3);
  EXPECT_LT(train(5).bytes, train(1).bytes);
}

TEST(TrainerAccumulate, NoPartsAreRefused) {
  fake::LinearBackend backend;
  TrainerOptions options;
  options.accumulate = 0;
  EXPECT_THAT([&] { Trainer(fake::linear_graph(), options, backend); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("in 0 parts")));
}

}  // namespace
}  // namespace headrace
