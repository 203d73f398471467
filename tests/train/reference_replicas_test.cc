// Replicas as they should be: the same global batches give the same weights on any number of them.
#include <gtest/gtest.h>

#include <cmath>

#include "headrace/train/initial_parameters.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/reference/reference_model.h"
#include "reference_samples.h"

namespace headrace {
namespace {

using reference::Values;

enum class Normalization { none, synchronized, per_replica };

Graph small_net(Normalization normalization) {
  ModelBuilder b;
  auto x = b.conv2d(b.input({8, 8, 2}), 5, 3, {.strides = 2});
  if (normalization != Normalization::none) {
    x = b.batch_normalization(
        x, {.momentum = 0.9, .synchronized = normalization == Normalization::synchronized});
  }
  x = b.dropout(b.flatten(b.activation(x, "silu")), 0.3);
  return b.build(b.dense(x, 4, {.activation = "softmax"}));
}

std::vector<Values> trained(const Graph& graph, const Optimizer& optimizer, int replicas,
                            std::int64_t rows = 12) {
  reference::Model model(graph);
  model.set_parameters(initial_parameters(graph, 3));
  for (int t = 1; t <= 100; ++t) {
    const auto step = static_cast<std::uint64_t>(t);
    const auto samples = random_samples(graph, rows, t % 2 == 0, step);
    model.update(optimizer, t, model.step(samples, DropoutStep{5, step}, replicas));
  }
  return model.parameters();
}

double relative_error(const std::vector<Values>& a, const std::vector<Values>& b) {
  double difference = 0, norm = 0;
  for (std::size_t p = 0; p < a.size(); ++p) {
    for (std::size_t i = 0; i < a[p].size(); ++i) {
      difference += (a[p][i] - b[p][i]) * (a[p][i] - b[p][i]);
      norm += b[p][i] * b[p][i];
    }
  }
  return std::sqrt(difference / norm);
}

TEST(ReferenceReplicas, OneTwoAndFourGiveTheSameWeightsAfterAHundredSteps) {
  for (const Optimizer& optimizer : {Optimizer(Sgd{.learning_rate = 0.05, .momentum = 0.9}),
                                     Optimizer(Adam{.update = {.global_clipnorm = 0.5}}),
                                     Optimizer(AdamW{}), Optimizer(RmsProp{})}) {
    for (Normalization normalization : {Normalization::none, Normalization::synchronized}) {
      const Graph graph = small_net(normalization);
      const auto one = trained(graph, optimizer, 1);
      EXPECT_LT(relative_error(trained(graph, optimizer, 2), one), 1e-9);
      EXPECT_LT(relative_error(trained(graph, optimizer, 4), one), 1e-9);
    }
  }
}

TEST(ReferenceReplicas, SharesMayBeUnevenOrEmpty) {
  const Graph graph = small_net(Normalization::synchronized);
  const auto one = trained(graph, Sgd{}, 1, 7);
  EXPECT_LT(relative_error(trained(graph, Sgd{}, 4, 7), one), 1e-9);
  EXPECT_LT(relative_error(trained(graph, Sgd{}, 9, 7), one), 1e-9);
}

TEST(ReferenceReplicas, NormalizedEachOnItsOwnTheyDiffer) {
  const Graph graph = small_net(Normalization::per_replica);
  const auto one = trained(graph, Sgd{}, 1), four = trained(graph, Sgd{}, 4);
  EXPECT_GT(relative_error(four, one), 1e-4);
  for (const Values& parameter : four) {
    for (double value : parameter) EXPECT_TRUE(std::isfinite(value));
  }
}

// The moving statistics take in the replicas' own, weighted by their rows: the means are then those
// of the whole batch, whoever normalises.
TEST(ReferenceReplicas, MovingMeansAreThoseOfTheWholeBatch) {
  const Graph graph = small_net(Normalization::per_replica);
  reference::Model model(graph);
  model.set_parameters(initial_parameters(graph, 3));
  const auto samples = random_samples(graph, 7, false, 1);
  const auto one = model.step(samples, DropoutStep{}, 1),
             nine = model.step(samples, DropoutStep{}, 9);
  for (std::size_t c = 0; c < 5; ++c) {
    EXPECT_NEAR(nine.moved[4][c], one.moved[4][c], 1e-12);
    EXPECT_LT(nine.moved[5][c], one.moved[5][c]);  // variance within replicas alone
  }
}

}  // namespace
}  // namespace headrace
