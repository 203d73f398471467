#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "headrace/train/keras_json.h"
#include "headrace/train/reference/reference_model.h"
#include "headrace/train/safetensors.h"

namespace headrace {
namespace {

using reference::Values;

// What another framework computed for a model: a file of script/fixtures/{keras,torch}_numbers.py.
struct Numbers {
  Graph graph;
  Loss loss;
  Optimizer optimizer;
  reference::Samples samples;
  std::map<std::string, NamedTensor> tensors;

  explicit Numbers(const std::string& name);
  const NamedTensor& tensor(const std::string& name) const { return tensors.at(name); }
  std::vector<std::string> parameter_names() const;  // "conv2d/kernel", in the graph's order
  std::vector<NamedTensor> parameters() const;
};

Optimizer optimizer_of(const std::string& name) {
  if (name == "adam") return Adam{.learning_rate = 0.01, .epsilon = 1e-3};
  if (name == "rmsprop") return RmsProp{.learning_rate = 0.01, .momentum = 0.5, .epsilon = 1e-3};
  return Sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true};
}

Numbers::Numbers(const std::string& name) {
  const TensorFile file =
      load_safetensors(HEADRACE_TEST_FIXTURES "/numbers/" + name + ".safetensors");
  graph = graph_from_keras_json(file.metadata.at("model"));
  optimizer = optimizer_of(file.metadata.at("optimizer"));
  for (const NamedTensor& tensor : file.tensors) tensors[tensor.name] = tensor;
  const NamedTensor& targets = tensor("targets");
  samples.rows = targets.shape[0];
  samples.targets.assign(targets.values.begin(), targets.values.end());
  for (const Graph::Node& node : graph.nodes()) {
    if (node.layer >= 0) continue;
    // One input is called as the batch's field is here, and by its own name in the file.
    const auto input = node.input_name == "image" ? tensors.lower_bound("input/")
                                                  : tensors.find("input/" + node.input_name);
    samples.inputs.emplace_back(input->second.values.begin(), input->second.values.end());
  }
}

std::vector<std::string> Numbers::parameter_names() const {
  std::vector<std::string> names;
  for (const auto& entry : graph.layers()) {
    for (const ParameterSpec& spec : entry.parameters) {
      names.push_back(entry.name + "/" + spec.name);
    }
  }
  return names;
}

std::vector<NamedTensor> Numbers::parameters() const {
  std::vector<NamedTensor> list;
  for (const std::string& name : parameter_names()) {
    list.push_back(tensor("parameter/" + name));
    list.back().name = name;
  }
  return list;
}

// The largest difference, compared to the largest value.
template <class Actual>
double relative_error(const Actual& actual, const NamedTensor& expected) {
  if (actual.size() != expected.values.size()) return INFINITY;
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    error = std::max(error, std::abs(static_cast<double>(actual[i]) - expected.values[i]));
    largest = std::max(largest, std::abs(static_cast<double>(expected.values[i])));
  }
  return error / std::max(largest, 1e-6);
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(HEADRACE_TEST_FIXTURES "/numbers")) {
    names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class OtherFrameworks : public ::testing::TestWithParam<std::string> {};

TEST_P(OtherFrameworks, TheReferenceComputesTheSame) {
  const Numbers numbers(GetParam());
  reference::Model model(numbers.graph, numbers.loss);
  model.set_parameters(numbers.parameters());
  const auto names = numbers.parameter_names();
  for (int t = 1; t <= 3; ++t) {
    const reference::Result result = model.step(numbers.samples, DropoutStep{0, 0});
    if (t == 1) {
      EXPECT_LT(relative_error(result.output, numbers.tensor("output")), 1e-6);
      EXPECT_NEAR(result.metrics.mean_loss(), numbers.tensor("loss").values[0], 1e-6);
      for (std::size_t p = 0; p < names.size(); ++p) {
        if (numbers.tensors.count("gradient/" + names[p]) == 0) continue;
        EXPECT_LT(relative_error(result.gradients[p], numbers.tensor("gradient/" + names[p])), 1e-6)
            << names[p];
      }
    }
    model.update(numbers.optimizer, t, result);
  }
  // Keras holds an optimizer's numbers in f32: 1 - 0.999 of Adam is wrong by 1e-5 there.
  for (std::size_t p = 0; p < names.size(); ++p) {
    EXPECT_LT(relative_error(model.parameters()[p], numbers.tensor("after/" + names[p])), 5e-6)
        << names[p];
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, OtherFrameworks, ::testing::ValuesIn(all_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace headrace
