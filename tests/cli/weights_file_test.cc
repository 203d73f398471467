#include "headrace/cli/weights_file.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "headrace/cli/run_record.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/checkpoint.h"
#include "headrace/train/initial_parameters.h"
#include "headrace/train/keras_json.h"
#include "program_runs.h"
#include "tests/support/fixtures.h"

namespace headrace::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string fixture(const std::string& name) {
  return fixtures_folder() + "/keras_weights/" + name;
}

Graph model_of(const std::string& name) {
  return graph_from_keras_json(read_file(fixture(name + ".json")));
}

// The names of layers and their weights, filled with 1, 2, ...
std::vector<KerasFile::Layer> stored_of(const Graph& graph) {
  std::vector<KerasFile::Layer> layers;
  float value = 0;
  for (const Graph::LayerEntry& entry : graph.layers()) {
    if (entry.parameters.empty()) continue;
    KerasFile::Layer layer{.name = entry.name, .position = {}, .tensors = {}};
    value += 1;
    for (const ParameterSpec& parameter : entry.parameters) {
      layer.tensors.push_back(
          {parameter.name, parameter.shape.extents(),
           std::vector<float>(static_cast<std::size_t>(parameter.shape.elements()), value)});
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

float first_of(const JoinedWeights& joined, const std::string& name) {
  for (const NamedTensor& tensor : joined.parameters) {
    if (tensor.name == name) return tensor.values.at(0);
  }
  ADD_FAILURE() << "no " << name;
  return 0;
}

std::string refusal(const Graph& graph, const std::vector<KerasFile::Layer>& stored) {
  try {
    join_weights(graph, stored, 0, false);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

TEST(JoinWeights, LayersAreFoundByTheirNamesInAnyOrder) {
  const Graph graph = model_of("branches");
  auto stored = stored_of(graph);
  std::reverse(stored.begin(), stored.end());
  const JoinedWeights joined = join_weights(graph, stored, 0, false);
  EXPECT_EQ(joined.layers, static_cast<int>(stored.size()));
  EXPECT_TRUE(joined.left_out.empty());
  EXPECT_EQ(first_of(joined, stored.back().name + "/kernel"), 1.0f);
  EXPECT_EQ(first_of(joined, stored.front().name + "/kernel"), static_cast<float>(stored.size()));
}

TEST(JoinWeights, LayersOfOtherNamesAreFoundByTheirPlaces) {
  const Graph graph = model_of("sequence");
  auto stored = stored_of(graph);
  for (KerasFile::Layer& layer : stored) layer.name += "_17";
  const JoinedWeights in_order = join_weights(graph, stored, 0, false);
  EXPECT_EQ(first_of(in_order, "lstm_1/kernel"), 4.0f);
  // By class, whatever their order.
  for (KerasFile::Layer& layer : stored) {
    layer.position = layer.name.substr(0, layer.name.size() - 3);
  }
  std::reverse(stored.begin(), stored.end());
  const JoinedWeights by_class = join_weights(graph, stored, 0, false);
  EXPECT_EQ(first_of(by_class, "lstm_1/kernel"), 4.0f);
  EXPECT_EQ(first_of(by_class, "dense/bias"), 5.0f);
}

TEST(JoinWeights, WhatDoesNotFitIsNamedWithItsShapes) {
  const Graph graph = model_of("branches");
  auto stored = stored_of(graph);
  stored.back().tensors[0].shape = {12, 7};
  EXPECT_THAT(refusal(graph, stored),
              AllOf(HasSubstr("layer dense has kernel (12, 5), dense of the file (12, 7)"),
                    HasSubstr("--skip-mismatch"), Not(HasSubstr("late"))));
  stored.back().tensors.pop_back();
  EXPECT_THAT(refusal(graph, stored), HasSubstr("layer dense has 2 weights, dense of the file 1"));
  stored.pop_back();
  EXPECT_THAT(refusal(graph, stored), HasSubstr("the file has nothing for layer dense (Dense)"));
  auto more = stored_of(graph);
  more.push_back({.name = "head", .position = {}, .tensors = {{"kernel", {1}, {1.0f}}}});
  EXPECT_THAT(refusal(graph, more), HasSubstr("the model has no layer for head of the file"));
}

TEST(JoinWeights, WhatDoesNotFitStaysRandomIfAskedFor) {
  const Graph graph = model_of("branches");
  auto stored = stored_of(graph);
  stored.back().tensors[0].shape = {12, 7};
  const JoinedWeights joined = join_weights(graph, stored, 5, true);
  EXPECT_EQ(joined.layers, static_cast<int>(stored.size()) - 1);
  EXPECT_THAT(joined.left_out, testing::ElementsAre(HasSubstr("layer dense has kernel")));
  const auto random = initial_parameters(graph, 5);
  EXPECT_EQ(joined.parameters.size(), random.size());
  EXPECT_EQ(joined.parameters[joined.parameters.size() - 2].values,
            random[random.size() - 2].values);
  stored.clear();
  EXPECT_THROW(join_weights(graph, stored, 5, true), Error);
}

class KerasModels : public ProgramTest {
 protected:
  void SetUp() override {
    if (!HEADRACE_HAS_HDF5) GTEST_SKIP() << "built without HDF5 (install libhdf5-dev)";
  }

  // What the imported model makes of the images, compared with what Keras made of them.
  void expect_predictions_of_keras(const std::string& name, const std::string& model) {
    const Outcome predicted = headrace(
        {"predict", "--model", path(model), "--top", "9", "--json", fixture("images.npy")});
    ASSERT_EQ(predicted.status, 0) << predicted.errors;
    const Json rows = Json::parse(predicted.output).at("predictions");
    std::istringstream lines(read_file(fixture(name + ".csv")));
    for (std::size_t image = 0; image < rows.size(); ++image) {
      std::string line;
      ASSERT_TRUE(std::getline(lines, line));
      std::map<std::string, double> found;
      for (const Json& one : rows[image].at("classes")) {
        found[one.at("class").get<std::string>()] = one.at("probability").get<double>();
      }
      std::istringstream values(line);
      int number = 0;
      for (std::string value; std::getline(values, value, ','); ++number) {
        EXPECT_NEAR(found.at(std::to_string(number)), std::stod(value), 2e-6) << image;
      }
      EXPECT_EQ(found.size(), static_cast<std::size_t>(number));
    }
    EXPECT_EQ(rows.size(), 4u);
  }
};

TEST_F(KerasModels, EachOfTheirFilesPredictsWhatKerasDoes) {
  for (const std::string name : {"branches", "sequence"}) {
    for (const std::string suffix : {".keras", ".h5"}) {
      SCOPED_TRACE(name + suffix);
      const Outcome made = headrace({"import", "--model", fixture(name + suffix), "--rescale",
                                     "1/255", "--out", path("model.safetensors")});
      ASSERT_EQ(made.status, 0) << made.errors;
      expect_predictions_of_keras(name, "model.safetensors");
    }
    for (const std::string suffix : {".weights.h5", "_weights.h5", ".keras"}) {
      SCOPED_TRACE(name + suffix);
      const Outcome made =
          headrace({"import", "--model", fixture(name + ".json"), "--weights",
                    fixture(name + suffix), "--rescale", "1/255", "--out", path("m.safetensors")});
      ASSERT_EQ(made.status, 0) << made.errors;
      expect_predictions_of_keras(name, "m.safetensors");
    }
  }
}

TEST_F(KerasModels, TrainingBeginsWithTheirWeights) {
  export_images();
  const Outcome refused = train("run", 1, {"--model", fixture("branches.keras")});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("5 outputs, but there are 2 classes"));

  const Outcome first = train("first", 1, {"--model", "mnist_cnn"});
  ASSERT_EQ(first.status, 0) << first.errors;
  const Outcome second =
      train("second", 1, {"--model", "mnist_cnn", "--weights", path("first/model.safetensors")});
  ASSERT_EQ(second.status, 0) << second.errors;
  EXPECT_THAT(second.errors, HasSubstr("beginning with the weights of 2 layers of "));
  const Outcome wrong = train(
      "wrong", 1, {"--model", "global_max_cnn", "--weights", path("first/model.safetensors")});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.errors, AllOf(HasSubstr("model.safetensors: the weights do not fit the model"),
                                  HasSubstr("layer dense has kernel (32, 2)")));
}

TEST_F(KerasModels, AModelWithoutWeightsOrPreparationIsRefused) {
  const Outcome none =
      headrace({"import", "--model", fixture("branches.json"), "--out", path("model.safetensors")});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.errors, HasSubstr("give them by --weights FILE"));
  const Outcome only_weights = headrace(
      {"import", "--model", fixture("branches.weights.h5"), "--out", path("model.safetensors")});
  EXPECT_EQ(only_weights.status, 1);
  EXPECT_THAT(only_weights.errors, HasSubstr("model.to_json()"));
  const Outcome bare =
      headrace({"predict", "--model", fixture("branches.keras"), fixture("images.npy")});
  EXPECT_EQ(bare.status, 1);
  EXPECT_THAT(bare.errors, HasSubstr("headrace import"));
}

}  // namespace
}  // namespace headrace::cli
