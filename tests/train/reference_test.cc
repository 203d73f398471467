#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "headrace/train/initial_parameters.h"
#include "headrace/train/reference/reference_model.h"
#include "headrace/train/reference/reference_optimizer.h"
#include "reference_samples.h"
#include "test_models.h"

namespace headrace {
namespace {

class ReferenceGradient : public ::testing::TestWithParam<TestModel> {};

reference::Model randomized(const Graph& graph) {
  reference::Model model(graph);
  model.set_parameters(initial_parameters(graph, 3));
  Rng rng(4, 0);  // biases start at zero, where a mistake in them would not show
  for (auto& parameter : model.parameters()) {
    for (double& value : parameter) value += 0.1 * rng.normal();
  }
  return model;
}

double mean_loss(const reference::Model& model, const reference::Samples& samples,
                 const std::optional<DropoutStep>& dropout) {
  return model.step(samples, dropout).metrics.mean_loss();
}

TEST_P(ReferenceGradient, AgreesWithFiniteDifferences) {
  const Graph& graph = GetParam().graph;
  reference::Model model = randomized(graph);
  for (bool soft : {false, true}) {
    const auto samples = random_samples(graph, 3, soft, 11);
    const DropoutStep dropout{5, 6};
    const reference::Result result = model.step(samples, dropout);
    Rng rng(7, 0);
    for (std::size_t p = 0; p < model.parameters().size(); ++p) {
      auto& parameter = model.parameters()[p];
      for (int probe = 0; probe < 12; ++probe) {
        const std::size_t i = rng.below(parameter.size());
        constexpr double h = 1e-6;
        const double before = parameter[i];
        parameter[i] = before + h;
        const double above = mean_loss(model, samples, dropout);
        parameter[i] = before - h;
        const double below = mean_loss(model, samples, dropout);
        parameter[i] = before;
        EXPECT_NEAR(result.gradients[p][i], (above - below) / (2 * h), 1e-8)
            << "parameter " << p << " element " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ReferenceGradient, ::testing::ValuesIn(test_models()),
                         [](const auto& test) { return test.param.name; });

TEST(ReferenceLoss, OfUniformLogitsIsTheLogarithmOfTheClasses) {
  const Graph graph = test_models().front().graph;
  const reference::Model model(graph);  // all parameters zero
  const auto result = model.step(random_samples(graph, 5, false, 1));
  EXPECT_NEAR(result.metrics.mean_loss(), std::log(4.0), 1e-12);
  for (double probability : result.output) EXPECT_DOUBLE_EQ(probability, 0.25);
}

// By hand: w = 1, g = 0.5 twice.
TEST(ReferenceOptimizer, FollowsKerasFormulas) {
  const auto after_two_steps = [](const Optimizer& optimizer) {
    reference::Values w{1.0};
    std::vector<reference::Values> slots(static_cast<std::size_t>(state_slots(optimizer)), {0.0});
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
