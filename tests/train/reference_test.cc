#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "headrace/train/initial_parameters.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/reference/reference_model.h"
#include "headrace/train/reference/reference_optimizer.h"
#include "layer_models.h"
#include "reference_samples.h"
#include "test_models.h"

namespace headrace {
namespace {

using reference::Values;

class ReferenceGradient : public ::testing::TestWithParam<TestModel> {
 protected:
  const Graph& graph() const { return GetParam().graph; }
};

reference::Model randomized(const Graph& graph) {
  reference::Model model(graph);
  model.set_parameters(initial_parameters(graph, 3));
  Rng rng(4, 0);  // biases start at zero, where a mistake in them would not show
  for (auto& parameter : model.parameters()) {
    for (double& value : parameter) value += 0.1 * rng.normal();
  }
  return model;
}

std::vector<bool> trainable(const Graph& graph) {
  std::vector<bool> list;
  for (const auto& entry : graph.layers()) {
    for (const auto& spec : entry.parameters) list.push_back(spec.trainable);
  }
  return list;
}

// Compares some elements of the gradient of each parameter that is trained.
void expect_gradients(const Graph& graph, const reference::Samples& samples,
                      const std::optional<DropoutStep>& training, int replicas) {
  reference::Model model = randomized(graph);
  const reference::Result result = model.step(samples, training, replicas);
  const auto mean_loss = [&] {
    return model.step(samples, training, replicas).metrics.mean_loss();
  };
  const std::vector<bool> trained = trainable(graph);
  Rng rng(7, 0);
  for (std::size_t p = 0; p < model.parameters().size(); ++p) {
    auto& parameter = model.parameters()[p];
    for (int probe = 0; trained[p] && probe < 8; ++probe) {
      const std::size_t i = rng.below(parameter.size());
      constexpr double h = 1e-6;
      const double before = parameter[i];
      parameter[i] = before + h;
      const double above = mean_loss();
      parameter[i] = before - h;
      const double below = mean_loss();
      parameter[i] = before;
      EXPECT_NEAR(result.gradients[p][i], (above - below) / (2 * h), 2e-8)
          << "parameter " << p << " element " << i;
    }
  }
}

TEST_P(ReferenceGradient, AgreesWithFiniteDifferencesInTraining) {
  for (bool soft : {false, true}) {
    expect_gradients(graph(), random_samples(graph(), 3, soft, 11), DropoutStep{5, 6}, 1);
  }
}

TEST_P(ReferenceGradient, AgreesWithFiniteDifferencesAsForInference) {
  expect_gradients(graph(), random_samples(graph(), 2, true, 12), std::nullopt, 1);
}

TEST_P(ReferenceGradient, AgreesWithFiniteDifferencesOnTwoReplicas) {
  expect_gradients(graph(), random_samples(graph(), 5, false, 13), DropoutStep{5, 6}, 2);
}

INSTANTIATE_TEST_SUITE_P(Models, ReferenceGradient, ::testing::ValuesIn(test_models()),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Layers, ReferenceGradient, ::testing::ValuesIn(layer_models()),
                         [](const auto& test) { return test.param.name; });

TEST(ReferenceLoss, OfUniformLogitsIsTheLogarithmOfTheClasses) {
  const Graph graph = test_models().front().graph;
  const reference::Model model(graph);  // all parameters zero
  const auto result = model.step(random_samples(graph, 5, false, 1));
  EXPECT_NEAR(result.metrics.mean_loss(), std::log(4.0), 1e-12);
  for (double probability : result.output) EXPECT_DOUBLE_EQ(probability, 0.25);
}

// What a model without a loss in mind gives for one row.
reference::Result run(const Graph& graph, const Values& input,
                      const std::vector<Values>& parameters,
                      const std::optional<DropoutStep>& training = {}, std::int64_t rows = 1) {
  reference::Model model(graph);
  model.parameters() = parameters;
  const auto width = static_cast<std::size_t>(graph.shape(graph.output()).elements() * rows);
  return model.step({rows, {input}, Values(width, 1.0)}, training);
}

TEST(ReferenceLayer, AveragesCountNoPadding) {
  ModelBuilder b;
  b.average_pooling2d(b.input({3, 3, 1}), 2, {.padding = Padding::same});
  EXPECT_EQ(run(b.build(), {1, 2, 3, 4, 5, 6, 7, 8, 9}, {}).output, (Values{3, 4.5, 7.5, 9}));
}

TEST(ReferenceLayer, DepthwiseFiltersOfAChannelAreSideBySide) {
  ModelBuilder b;
  b.depthwise_conv2d(b.input({1, 1, 2}), 1, {.depth_multiplier = 3});
  EXPECT_EQ(run(b.build(), {1, 10}, {{1, 2, 3, 4, 5, 6}, {0, 0, 0, 0, 0, 7}}).output,
            (Values{1, 2, 3, 40, 50, 67}));
}

TEST(ReferenceLayer, GroupsReadTheirPartOfTheChannels) {
  ModelBuilder b;
  b.conv2d(b.input({1, 1, 4}), 2, 1, {.groups = 2, .use_bias = false});
  // kernel {1, 1, 2, 2}: filter 0 reads channels 0 and 1, filter 1 channels 2 and 3
  EXPECT_EQ(run(b.build(), {1, 10, 100, 1000}, {{1, 3, 2, 4}}).output, (Values{21, 4300}));
}

TEST(ReferenceLayer, DilationSkipsValues) {
  ModelBuilder b;
  b.conv2d(b.input({1, 5, 1}), 1, {1, 3}, {.dilation_rate = 2, .use_bias = false});
  EXPECT_EQ(run(b.build(), {1, 2, 4, 8, 16}, {{1, 1, 1}}).output, (Values{21}));
}

TEST(ReferenceLayer, PaddingAndJoinsPutValuesInTheirPlace) {
  ModelBuilder b;
  const auto x = b.input({1, 2, 1});
  b.concatenate({x, b.add(x, x)}, 2);
  EXPECT_EQ(run(b.build(), {1, 2}, {}).output, (Values{1, 2, 2, 4}));
  b.zero_padding2d(x, {1, 0});
  EXPECT_EQ(run(b.build(), {1, 2}, {}).output, (Values{0, 0, 1, 2, 0, 0}));
}

TEST(ReferenceLayer, LstmGatesAreInKerasOrder) {
  ModelBuilder b;
  b.lstm(b.input({2, 1}), 1);
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const Values kernel{0.1, 0.2, 0.3, 0.4}, recurrent{0.5, 0.6, 0.7, 0.8}, bias{1, 2, 3, 4};
  double c = 0, h = 0;
  for (double x : {2.0, -1.0}) {
    const auto z = [&](std::size_t g) { return x * kernel[g] + h * recurrent[g] + bias[g]; };
    c = sigmoid(z(1)) * c + sigmoid(z(0)) * std::tanh(z(2));
    h = sigmoid(z(3)) * std::tanh(c);
  }
  EXPECT_NEAR(run(b.build(), {2, -1}, {kernel, recurrent, bias}).output[0], h, 1e-15);
}

TEST(ReferenceLayer, BatchNormalizationUsesBatchStatisticsInTrainingAndMovesTheOthers) {
  ModelBuilder b;
  b.batch_normalization(b.input({1}), {.momentum = 0.75, .epsilon = 1});
  const std::vector<Values> parameters{{3}, {0.5}, {10}, {8}};
  const Values input{1, 3, 5, 7};  // mean 4, variance 5
  const auto training = run(b.build(), input, parameters, DropoutStep{}, 4);
  EXPECT_NEAR(training.output[3], 3 * 3 / std::sqrt(6.0) + 0.5, 1e-15);
  EXPECT_EQ(training.moved[2], Values{0.75 * 10 + 0.25 * 4});
  EXPECT_EQ(training.moved[3], Values{0.75 * 8 + 0.25 * 5});
  EXPECT_TRUE(training.moved[0].empty());
  const auto inference = run(b.build(), input, parameters, std::nullopt, 4);
  EXPECT_NEAR(inference.output[3], 3 * (7 - 10) / 3.0 + 0.5, 1e-15);
  EXPECT_TRUE(inference.moved[2].empty());
}

TEST(ReferenceLayer, ActivationsAtAPoint) {
  const auto at = [](const char* name, double x) {
    ModelBuilder b;
    b.activation(b.input({1}), name);
    return run(b.build(), {x}, {}).output[0];
  };
  EXPECT_EQ(at("linear", -2), -2);
  EXPECT_EQ(at("leaky_relu", -2), -0.4);
  EXPECT_NEAR(at("sigmoid", 1), 0.7310585786300049, 1e-15);
  EXPECT_NEAR(at("tanh", 1), 0.7615941559557649, 1e-15);
  EXPECT_NEAR(at("silu", 1), 0.7310585786300049, 1e-15);
  EXPECT_NEAR(at("gelu", 1), 0.8413447460685429, 1e-15);  // the normal distribution at 1
}

// By hand: w = 1, g = 0.5 twice.
TEST(ReferenceOptimizer, FollowsKerasFormulas) {
  const auto after_two_steps = [](const Optimizer& optimizer) {
    Values w{1.0};
    std::vector<Values> slots(static_cast<std::size_t>(state_slots(optimizer)), {0.0});
    for (int t = 1; t <= 2; ++t) reference::update(optimizer, t, {0.5}, w, slots);
    return w[0];
  };
  EXPECT_DOUBLE_EQ(after_two_steps(Sgd{.learning_rate = 0.1}), 0.9);
  EXPECT_NEAR(after_two_steps(Sgd{.learning_rate = 0.1, .momentum = 0.9}), 1 - 0.05 - 0.095, 1e-15);
  EXPECT_NEAR(after_two_steps(Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}),
              1 - 0.095 - 0.1355, 1e-15);
  // A constant gradient makes Adam's steps the learning rate, but for epsilon.
  EXPECT_NEAR(after_two_steps(Adam{}), 1 - 0.002, 2e-8);
  EXPECT_NEAR(after_two_steps(RmsProp{}), 1 - 0.001 * (1 / std::sqrt(0.1) + 1 / std::sqrt(0.19)),
              1e-8);
}

}  // namespace
}  // namespace headrace
