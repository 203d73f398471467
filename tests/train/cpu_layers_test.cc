// Every layer on the CPU backend, in graphs with branches, shared layers and batch statistics,
// against the reference.
#include <gtest/gtest.h>

#include "cpu_plans.h"
#include "layer_models.h"
#include "reference_samples.h"

namespace headrace {
namespace {

double norm(const reference::Values& values) {
  double sum = 0;
  for (double value : values) sum += value * value;
  return std::sqrt(sum);
}

class CpuLayers : public ::testing::TestWithParam<TestModel> {
 protected:
  const Graph& graph() const { return GetParam().graph; }
  reference::Result reference_step(const reference::Samples& samples, bool training) const {
    reference::Model model(graph());
    model.set_parameters(random_parameters(graph()));
    return model.step(samples, training ? std::optional(DropoutStep{5, 6}) : std::nullopt);
  }
};

TEST_P(CpuLayers, OutputsAgreeWithTheReference) {
  const auto samples = random_samples(graph(), 11, false, 21);
  const Batch batch = make_graph_batch(graph(), samples);
  const auto expected = reference_step(samples, false).output;
  for (bool training : {false, true}) {  // plans that may train predict as well
    for (int threads : {1, 3}) {
      const auto plan =
          compile(graph(), {.batch_size = 11, .threads = threads, .training = training});
      std::vector<float> output(samples.targets.size());
      plan->predict(whole(batch), output);
      EXPECT_LT(relative_error(output, expected), 1e-5) << threads << " threads";
    }
  }
}

TEST_P(CpuLayers, LossGradientsAndMovingStatisticsAgreeWithTheReference) {
  const auto samples = random_samples(graph(), 21, false, 22);
  const Batch batch = make_graph_batch(graph(), samples);
  const auto expected = reference_step(samples, true);
  for (int threads : {1, 2, 3}) {
    const PlanOptions options{.batch_size = 21, .threads = threads};
    const auto plan = compile(graph(), options);
    plan->forward_backward(whole(batch));
    EXPECT_NEAR(plan->metrics().loss, expected.metrics.loss, 1e-5 * expected.metrics.loss);
    EXPECT_EQ(plan->metrics().correct, expected.metrics.correct);

    const auto gradients = gradients_of(graph(), options, whole(batch));
    ASSERT_EQ(gradients.size(), expected.gradients.size());
    // Gradients that are next to nothing, as of biases before batch normalisation, are measured
    // against the whole gradient.
    double whole_norm = 0;
    for (const auto& gradient : expected.gradients)
      whole_norm = std::hypot(whole_norm, norm(gradient));
    for (std::size_t p = 0; p < gradients.size(); ++p) {
      auto values = expected.gradients[p];
      double against = std::max(norm(values), 0.05 * whole_norm);
      if (!expected.moved[p].empty()) {
        values = expected.moved[p];
        for (double& value : values) value = -value;
        against = norm(values);
      }
      for (std::size_t i = 0; i < values.size(); ++i) values[i] -= gradients[p].values[i];
      EXPECT_LT(norm(values), 1e-5 * against)
          << gradients[p].name << " with " << threads << " threads";
    }
  }
}

// Half the digits of f32 in each value, so that sums come out to some percent.
TEST_P(CpuLayers, InBf16StepsAreAlmostThoseOfF32) {
  if (make_cpu_backend()->name().find("bf16") == std::string::npos) {
    GTEST_SKIP() << "this CPU does not compute in bf16";
  }
  const auto samples = random_samples(graph(), 21, false, 22);
  const Batch batch = make_graph_batch(graph(), samples);
  const auto expected = reference_step(samples, true);
  const PlanOptions options{.batch_size = 21, .threads = 2, .precision = Precision::bf16};
  const auto plan = compile(graph(), options);
  plan->forward_backward(whole(batch));
  EXPECT_NEAR(plan->metrics().loss, expected.metrics.loss, 0.02 * expected.metrics.loss);
  const auto gradients = gradients_of(graph(), options, whole(batch));
  double whole_norm = 0, difference = 0;
  for (std::size_t p = 0; p < gradients.size(); ++p) {
    if (!expected.moved[p].empty()) continue;
    auto values = expected.gradients[p];
    whole_norm = std::hypot(whole_norm, norm(values));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] -= gradients[p].values[i];
    difference = std::hypot(difference, norm(values));
  }
  EXPECT_LT(difference, 0.05 * whole_norm);
}

TEST_P(CpuLayers, GradientsOfAStepHaveNothingOfTheStepBefore) {
  const auto before = random_samples(graph(), 9, false, 25);
  const auto samples = random_samples(graph(), 1, false, 26);
  const Batch other = make_graph_batch(graph(), before), batch = make_graph_batch(graph(), samples);
  for (int threads : {1, 3}) {  // of which two then have no rows
    const PlanOptions options{.batch_size = 9, .threads = threads};
    const auto fresh = compile(graph(), options), used = compile(graph(), options);
    fresh->forward_backward(whole(batch));
    used->forward_backward(whole(other));
    used->forward_backward(whole(batch));
    const auto expected = fresh->gradients();
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), used->gradients().begin())) << threads;
  }
}

TEST_P(CpuLayers, TheSameStepGivesTheSameBits) {
  const auto samples = random_samples(graph(), 9, false, 24);
  const Batch batch = make_graph_batch(graph(), samples);
  for (int threads : {1, 2}) {
    const auto plan = compile(graph(), {.batch_size = 9, .threads = threads});
    plan->forward_backward(whole(batch));
    const auto view = plan->gradients();
    const std::vector<float> first(view.begin(), view.end());
    plan->forward_backward(whole(batch));
    EXPECT_TRUE(std::equal(first.begin(), first.end(), plan->gradients().begin()));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, CpuLayers, ::testing::ValuesIn(layer_models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace headrace
