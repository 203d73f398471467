#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "headrace/train/initial_parameters.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/reference/reference_model.h"
#include "reference_samples.h"

namespace headrace {
namespace {

using reference::Values;

struct LossCase {
  std::string name;
  std::string_view end;  // the model's last activation
  std::int64_t units = 4;
  Loss loss = {};
};

// Losses from logits, of models that end in their activation, and of other probabilities.
std::vector<LossCase> cases() {
  const auto categorical = LossKind::categorical_crossentropy;
  const auto binary = LossKind::binary_crossentropy;
  const auto squared = LossKind::mean_squared_error;
  return {
      {"categorical_of_softmax", "softmax", 4, {.kind = categorical}},
      {"categorical_from_logits", "", 4, {.kind = categorical, .from_logits = true}},
      {"categorical_of_other_probabilities", "sigmoid", 4, {.kind = categorical}},
      {"categorical_smoothed", "softmax", 4, {.kind = categorical, .label_smoothing = 0.2}},
      {"categorical_smoothed_probabilities",
       "sigmoid",
       3,
       {.kind = categorical, .label_smoothing = 0.1}},
      {"binary_of_sigmoid", "sigmoid", 1, {.kind = binary}},
      {"binary_from_logits", "", 3, {.kind = binary, .from_logits = true}},
      {"binary_of_other_probabilities", "softmax", 3, {.kind = binary}},
      {"binary_smoothed", "sigmoid", 3, {.kind = binary, .label_smoothing = 0.2}},
      {"squared", "", 3, {.kind = squared}},
      {"squared_of_sigmoid", "sigmoid", 1, {.kind = squared}},
  };
}

Graph graph_of(const LossCase& test) {
  ModelBuilder b;
  const auto x = b.dense(b.input({5}), 6, {.activation = "tanh"});
  return b.build(b.dense(x, test.units, {.activation = test.end}));
}

class ReferenceLossGradient : public ::testing::TestWithParam<LossCase> {};

TEST_P(ReferenceLossGradient, AgreesWithFiniteDifferences) {
  const Graph graph = graph_of(GetParam());
  reference::Model model(graph, GetParam().loss);
  model.set_parameters(initial_parameters(graph, 3));
  for (bool soft : {false, true}) {
    const auto samples = random_samples(graph, 6, soft, 8);
    const auto result = model.step(samples);
    for (std::size_t p = 0; p < model.parameters().size(); ++p) {
      for (std::size_t i = 0; i < model.parameters()[p].size(); ++i) {
        double& value = model.parameters()[p][i];
        constexpr double h = 1e-6;
        const double before = value;
        value = before + h;
        const double above = model.step(samples).metrics.mean_loss();
        value = before - h;
        const double below = model.step(samples).metrics.mean_loss();
        value = before;
        EXPECT_NEAR(result.gradients[p][i], (above - below) / (2 * h), 2e-8);
      }
    }
  }
}

TEST_P(ReferenceLossGradient, IsTheSameOnSeveralReplicas) {
  const Graph graph = graph_of(GetParam());
  reference::Model model(graph, GetParam().loss);
  model.set_parameters(initial_parameters(graph, 3));
  const auto samples = random_samples(graph, 7, true, 9);
  const auto one = model.step(samples), three = model.step(samples, {}, 3);
  EXPECT_NEAR(one.metrics.loss, three.metrics.loss, 1e-12);
  EXPECT_EQ(one.metrics.correct, three.metrics.correct);
  EXPECT_EQ(one.output, three.output);
  for (std::size_t p = 0; p < one.gradients.size(); ++p) {
    for (std::size_t i = 0; i < one.gradients[p].size(); ++i) {
      EXPECT_NEAR(one.gradients[p][i], three.gradients[p][i], 1e-14);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, ReferenceLossGradient, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

// The metrics of a model that passes its input on.
MetricSums metrics_of(const Loss& loss, const Values& output, const Values& targets) {
  ModelBuilder b;
  b.input({static_cast<std::int64_t>(output.size())});
  return reference::Model(b.build(), loss).step({1, {output}, targets}).metrics;
}

TEST(ReferenceLoss, BinaryCrossEntropyByHand) {
  const Loss loss{.kind = LossKind::binary_crossentropy};
  const auto metrics = metrics_of(loss, {0.8, 0.6}, {1, 0});
  EXPECT_NEAR(metrics.loss, -(std::log(0.8) + std::log(0.4)) / 2, 1e-15);
  EXPECT_EQ(metrics.correct, 0.5);
  EXPECT_NEAR(metrics_of(loss, {0.0}, {1}).loss, -std::log(1e-7), 1e-12);
  const auto logits = metrics_of({.kind = LossKind::binary_crossentropy, .from_logits = true},
                                 {std::log(4.0), -700.0}, {1, 0});
  EXPECT_NEAR(logits.loss, -std::log(0.8) / 2, 1e-15);
  EXPECT_EQ(logits.correct, 1);
}

TEST(ReferenceLoss, SmoothedTargetsByHand) {
  const auto binary =
      metrics_of({.kind = LossKind::binary_crossentropy, .label_smoothing = 0.2}, {0.8}, {1});
  EXPECT_NEAR(binary.loss, -(0.9 * std::log(0.8) + 0.1 * std::log(0.2)), 1e-15);
  const auto categorical =
      metrics_of({.kind = LossKind::categorical_crossentropy, .label_smoothing = 0.3},
                 {1.0, 2.0, 1.0}, {0, 1, 0});
  EXPECT_NEAR(categorical.loss, -(0.8 * std::log(0.5) + 0.2 * std::log(0.25)), 1e-15);
  EXPECT_EQ(categorical.correct, 1);
}

TEST(ReferenceLoss, SquaredErrorIsTheMeanOverOutputs) {
  EXPECT_EQ(metrics_of({.kind = LossKind::mean_squared_error}, {1, 2}, {3, 2}).loss, 2);
}

}  // namespace
}  // namespace headrace
