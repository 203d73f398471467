#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "gpu_plans.h"
#include "layer_models.h"
#include "reference_samples.h"

// Every layer on a backend for GPUs, against the reference: the same checks for the engine that
// runs on the host and for the real one.
namespace headrace {

inline double norm_of(const reference::Values& values) {
  double sum = 0;
  for (double value : values) sum += value * value;
  return std::sqrt(sum);
}

inline reference::Result reference_step(const Graph& graph, const reference::Samples& samples,
                                        bool training) {
  reference::Model model(graph);
  model.set_parameters(random_parameters(graph));
  return model.step(samples, training ? std::optional(DropoutStep{5, 6}) : std::nullopt);
}

inline void check_output(Backend& backend, const Graph& graph, double tolerance) {
  const auto samples = random_samples(graph, 11, false, 21);
  const Batch batch = make_graph_batch(graph, samples);
  const auto expected = reference_step(graph, samples, false).output;
  for (bool training : {false, true}) {  // plans that may train predict as well
    const auto plan = compile_on(backend, graph, {.batch_size = 11, .training = training});
    std::vector<float> output(samples.targets.size());
    plan->predict(whole(batch), output);
    EXPECT_LT(relative_error(output, expected), tolerance) << "training: " << training;
  }
}

inline void check_step(Backend& backend, const Graph& graph, double tolerance) {
  const auto samples = random_samples(graph, 21, false, 22);
  const Batch batch = make_graph_batch(graph, samples);
  const auto expected = reference_step(graph, samples, true);
  const auto plan = compile_on(backend, graph, {.batch_size = 21, .optimizer = Sgd{}});
  plan->forward_backward(whole(batch));
  EXPECT_NEAR(plan->metrics().loss, expected.metrics.loss, tolerance * expected.metrics.loss);
  EXPECT_EQ(plan->metrics().correct, expected.metrics.correct);
  const auto gradients = taken_gradients(*plan, graph);
  ASSERT_EQ(gradients.size(), expected.gradients.size());
  // Gradients that are next to nothing, as of biases before batch normalisation, are measured
  // against the whole gradient.
  double whole_norm = 0;
  for (const auto& gradient : expected.gradients) {
    whole_norm = std::hypot(whole_norm, norm_of(gradient));
  }
  for (std::size_t p = 0; p < gradients.size(); ++p) {
    auto values = expected.gradients[p];
    double against = std::max(norm_of(values), 0.05 * whole_norm);
    if (!expected.moved[p].empty()) {
      values = expected.moved[p];
      for (double& value : values) value = -value;
      against = norm_of(values);
    }
    for (std::size_t i = 0; i < values.size(); ++i) values[i] -= gradients[p].values[i];
    EXPECT_LT(norm_of(values), tolerance * against) << gradients[p].name;
  }
}

// Half the digits of f32 in each value, so that sums come out to some percent.
inline void check_bf16_step(Backend& backend, const Graph& graph) {
  const auto samples = random_samples(graph, 21, false, 22);
  const Batch batch = make_graph_batch(graph, samples);
  const auto expected = reference_step(graph, samples, true);
  const auto plan = compile_on(
      backend, graph, {.batch_size = 21, .optimizer = Sgd{}, .precision = Precision::bf16});
  plan->forward_backward(whole(batch));
  EXPECT_NEAR(plan->metrics().loss, expected.metrics.loss, 0.02 * expected.metrics.loss);
  const auto gradients = taken_gradients(*plan, graph);
  double whole_norm = 0, difference = 0;
  for (std::size_t p = 0; p < gradients.size(); ++p) {
    if (!expected.moved[p].empty()) continue;
    auto values = expected.gradients[p];
    whole_norm = std::hypot(whole_norm, norm_of(values));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] -= gradients[p].values[i];
    difference = std::hypot(difference, norm_of(values));
  }
  EXPECT_LT(difference, 0.05 * whole_norm);
}

inline void check_bits(Backend& backend, const Graph& graph) {
  const auto samples = random_samples(graph, 9, false, 24);
  const Batch batch = make_graph_batch(graph, samples);
  const auto plan = compile_on(backend, graph, {.batch_size = 9});
  plan->forward_backward(whole(batch));
  const auto view = plan->gradients();
  const std::vector<float> first(view.begin(), view.end());
  plan->forward_backward(whole(batch));
  EXPECT_TRUE(std::equal(first.begin(), first.end(), plan->gradients().begin()));
}

inline std::vector<TestModel> all_models() {
  auto models = layer_models();
  for (TestModel& model : test_models()) models.push_back(std::move(model));
  return models;
}

}  // namespace headrace
