#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "../support/fixtures.h"
#include "headrace/pipeline/slot_pool.h"
#include "headrace/train/backend.h"
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
  // How near f32 must come: of very deep models the framework's own is as far as the file says.
  double gradient_tolerance = 1e-5, after_tolerance = 1e-5;

  explicit Numbers(const std::string& name);
  const NamedTensor& tensor(const std::string& name) const { return tensors.at(name); }
  std::vector<std::string> parameter_names() const;  // "conv2d/kernel", in the graph's order
  std::vector<NamedTensor> parameters() const;
};

Optimizer optimizer_of(const std::string& name) {
  if (name == "adam") return Adam{.learning_rate = 0.01, .epsilon = 1e-3};
  if (name == "rmsprop") return RmsProp{.learning_rate = 0.01, .momentum = 0.5, .epsilon = 1e-3};
  const double rate = name == "sgd_slow" ? 1e-5 : 0.05;
  return Sgd{.learning_rate = rate, .momentum = 0.9, .nesterov = true};
}

Numbers::Numbers(const std::string& name) {
  const TensorFile file = load_safetensors(fixtures_folder() + "/numbers/" + name + ".safetensors");
  graph = graph_from_keras_json(file.metadata.at("model"));
  optimizer = optimizer_of(file.metadata.at("optimizer"));
  loss.from_logits = file.metadata.at("loss") == "from_logits";
  if (file.metadata.at("loss") == "binary_crossentropy") loss.kind = LossKind::binary_crossentropy;
  const auto tolerance = [&](const std::string& of) {
    const auto own = file.metadata.find("f32_error_of_" + of);
    return own == file.metadata.end() ? 1e-5 : std::max(1e-5, 2 * std::stod(own->second));
  };
  gradient_tolerance = tolerance("gradients");
  after_tolerance = tolerance("after");
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

// The largest difference, compared to the largest value; as it is where all should be zero, such as
// the gradient of a bias before batch normalisation.
template <class Actual>
double relative_error(const Actual& actual, const NamedTensor& expected) {
  if (actual.size() != expected.values.size()) return INFINITY;
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    error = std::max(error, std::abs(static_cast<double>(actual[i]) - expected.values[i]));
    largest = std::max(largest, std::abs(static_cast<double>(expected.values[i])));
  }
  return largest < 1e-9 ? error : error / largest;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(fixtures_folder() + "/numbers")) {
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

// The inputs, and one-hot targets.
Batch batch_of(const Numbers& numbers) {
  BatchSpec spec;
  for (const Graph::Node& node : numbers.graph.nodes()) {
    if (node.layer < 0) {
      spec.fields.push_back({node.input_name, ElementType::f32, node.shape.extents()});
    }
  }
  spec.fields.push_back(
      {"label", ElementType::f32, {numbers.graph.shape(numbers.graph.output()).elements()}});
  SlotPool pool(spec, numbers.samples.rows, 1);
  auto slot = pool.try_take();
  const Rows to = slot->rows(numbers.samples.rows);
  for (std::size_t field = 0; field < spec.fields.size(); ++field) {
    const bool is_label = field + 1 == spec.fields.size();
    const Values& from = is_label ? numbers.samples.targets : numbers.samples.inputs[field];
    const auto elements = static_cast<std::size_t>(spec.fields[field].elements());
    for (std::int64_t row = 0; row < numbers.samples.rows; ++row) {
      const double* values = &from[static_cast<std::size_t>(row) * elements];
      std::transform(values, values + elements, to.row_as<float>(field, row),
                     [](double value) { return static_cast<float>(value); });
    }
  }
  slot->describe(numbers.samples.rows, {0, 0}, {0, numbers.samples.rows});
  return pool.lease(std::move(slot));
}

// The parameters' gradients: what a step of plain descent with rate 1 makes of zeros.
std::map<std::string, std::vector<float>> gradients_of(const Numbers& numbers,
                                                       const StepInput& input, int threads) {
  const auto plan = make_cpu_backend()->compile(
      numbers.graph,
      {.batch_size = input.rows, .threads = threads, .loss = numbers.loss, .optimizer = Sgd{}});
  plan->set_parameters(numbers.parameters());
  plan->forward_backward(input);
  auto zeros = numbers.parameters();
  for (NamedTensor& tensor : zeros) std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
  plan->set_parameters(zeros);
  plan->update(1.0, 1);
  std::map<std::string, std::vector<float>> gradients;
  for (NamedTensor& tensor : plan->parameters()) {
    for (float& value : tensor.values) value = -value;
    gradients[tensor.name] = std::move(tensor.values);
  }
  return gradients;
}

TEST_P(OtherFrameworks, TheCpuBackendComputesTheSame) {
  const Numbers numbers(GetParam());
  const Batch batch = batch_of(numbers);
  StepInput input;
  input.batch = &batch;
  input.rows = input.global_rows = numbers.samples.rows;
  for (int threads : {1, 2}) {
    const auto gradients = gradients_of(numbers, input, threads);
    for (const std::string& name : numbers.parameter_names()) {
      if (numbers.tensors.count("gradient/" + name) == 0) continue;
      EXPECT_LT(relative_error(gradients.at(name), numbers.tensor("gradient/" + name)),
                numbers.gradient_tolerance)
          << name;
    }
    const auto plan = make_cpu_backend()->compile(numbers.graph, {.batch_size = input.rows,
                                                                  .threads = threads,
                                                                  .loss = numbers.loss,
                                                                  .optimizer = numbers.optimizer});
    plan->set_parameters(numbers.parameters());
    for (std::uint64_t step = 1; step <= 3; ++step) {
      plan->reset_metrics();
      plan->forward_backward(input);
      if (step == 1) {
        EXPECT_NEAR(plan->metrics().mean_loss(), numbers.tensor("loss").values[0], 1e-5);
      }
      plan->update(learning_rate(numbers.optimizer), step);
    }
    for (const NamedTensor& tensor : plan->parameters()) {
      EXPECT_LT(relative_error(tensor.values, numbers.tensor("after/" + tensor.name)),
                numbers.after_tolerance)
          << tensor.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, OtherFrameworks, ::testing::ValuesIn(all_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace headrace
