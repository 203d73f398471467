#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "headrace/train/backend.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/reference/reference_optimizer.h"
#include "reference_samples.h"
#include "test_batch.h"

namespace headrace {
namespace {

using Json = nlohmann::json;
using reference::Values;

// What script/fixtures/train.py had PyTorch compute.
class PyTorchFixture : public ::testing::Test {
 protected:
  PyTorchFixture() {
    std::ifstream(HEADRACE_TEST_FIXTURES "/train/mnist_cnn.json") >> json;
    const auto shape = json.at("image_shape").get<std::vector<std::int64_t>>();
    const auto classes = json.at("classes").get<std::int64_t>();
    ModelBuilder b;
    auto x = b.input(Shape(shape));
    x = b.conv2d(x, json.at("filters").get<std::int64_t>(), 3, {.activation = "relu"});
    x = b.flatten(b.max_pooling2d(x));
    graph = b.build(b.dense(x, classes, {.activation = "softmax"}));
    const auto labels = json.at("labels").get<std::vector<std::int64_t>>();
    samples.rows = static_cast<std::int64_t>(labels.size());
    samples.inputs.push_back(json.at("images").get<Values>());
    samples.targets.assign(labels.size() * static_cast<std::size_t>(classes), 0.0);
    for (std::size_t row = 0; row < labels.size(); ++row) {
      samples.targets[row * static_cast<std::size_t>(classes) +
                      static_cast<std::size_t>(labels[row])] = 1;
    }
  }

  std::vector<NamedTensor> parameters() const {
    std::vector<NamedTensor> tensors;
    for (const auto& entry : graph.layers()) {
      for (const auto& spec : entry.parameters) {
        const std::string name = entry.name + "/" + spec.name;
        tensors.push_back(
            {name, spec.shape, json.at("parameters").at(name).get<std::vector<float>>()});
      }
    }
    return tensors;
  }
  template <class A>
  static void expect_near(const A& actual, const Json& expected, double tolerance) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_NEAR(actual[i], expected[i].get<double>(), tolerance) << "element " << i;
    }
  }

  Json json;
  Graph graph;
  reference::Samples samples;
  Adam adam{.learning_rate = 0.01, .epsilon = 1e-12};
};

TEST_F(PyTorchFixture, TheReferenceComputesTheSame) {
  reference::Model model(graph);
  model.set_parameters(parameters());
  const auto names = parameters();
  std::vector<std::vector<Values>> slots;
  for (const auto& p : model.parameters()) slots.push_back({Values(p.size()), Values(p.size())});
  for (int t = 1; t <= 3; ++t) {
    const auto result = model.step(samples);
    if (t == 1) {
      EXPECT_NEAR(result.metrics.mean_loss(), json.at("loss").get<double>(), 1e-6);
      expect_near(result.output, json.at("output"), 1e-6);
    }
    for (std::size_t p = 0; p < names.size(); ++p) {
      if (t == 1) expect_near(result.gradients[p], json.at("gradients").at(names[p].name), 1e-6);
      reference::update(adam, t, result.gradients[p], model.parameters()[p], slots[p]);
    }
  }
  for (std::size_t p = 0; p < names.size(); ++p) {
    expect_near(model.parameters()[p], json.at("after_three_steps").at(names[p].name), 1e-6);
  }
}

TEST_F(PyTorchFixture, TheCpuBackendTrainsTheSame) {
  for (int threads : {1, 2}) {
    const auto plan = make_cpu_backend()->compile(
        graph, {.batch_size = samples.rows, .threads = threads, .optimizer = adam});
    plan->set_parameters(parameters());
    const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
    StepInput input;
    input.batch = &batch;
    input.rows = input.global_rows = samples.rows;
    std::vector<float> output(samples.targets.size());
    plan->predict(input, output);
    expect_near(output, json.at("output"), 1e-6);
    for (std::uint64_t step = 1; step <= 3; ++step) {
      plan->reset_metrics();
      plan->forward_backward(input);
      if (step == 1) {
        EXPECT_NEAR(plan->metrics().mean_loss(), json.at("loss").get<double>(), 1e-6);
      }
      plan->update(adam.learning_rate, step);
    }
    for (const NamedTensor& tensor : plan->parameters()) {
      // Adam's steps are as long for a gradient lost in rounding as for any other.
      expect_near(tensor.values, json.at("after_three_steps").at(tensor.name), 1e-4);
    }
  }
}

}  // namespace
}  // namespace headrace
