#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "../support/error_matcher.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

auto count_of(const Graph& graph, std::string_view kind) {
  return std::count_if(graph.layers().begin(), graph.layers().end(),
                       [&](const auto& entry) { return entry.layer->kind() == kind; });
}

const Shape& shape_of(const Graph& graph, std::string_view layer) {
  const auto node =
      std::find_if(graph.nodes().begin(), graph.nodes().end(), [&](const Graph::Node& candidate) {
        return candidate.layer >= 0 &&
               graph.layers()[static_cast<std::size_t>(candidate.layer)].name == layer;
      });
  return node->shape;
}

TEST(ModelRegistry, KnowsTheseNames) {
  EXPECT_THAT(model_names(),
              ElementsAre("mnist_cnn", "global_max_cnn", "generator_cnn", "mini_googlenet",
                          "shared_lstm", "resnet18", "resnet34", "resnet50"));
}

TEST(ModelRegistry, EveryModelCanBeMadeForItsUsualUse) {
  for (const std::string& name : model_names()) {
    const ModelUse use = usual_use(name);
    EXPECT_GT(make_model(name, use.input, use.classes).parameter_count(), 0) << name;
  }
  EXPECT_EQ(usual_use("shared_lstm").input, Shape({140, 256}));
}

TEST(ModelRegistry, AnUnknownNameListsTheKnownOnes) {
  EXPECT_THAT(
      [] {
        make_model("alexnet", {28, 28, 1}, 10);
      },
      throws_error(ErrorCode::invalid_argument,
                   AllOf(HasSubstr("known: mnist_cnn"), HasSubstr("resnet50"))));
}

TEST(ModelRegistry, AnInputThatDoesNotFitNamesModelLayerAndShape) {
  const auto refuses = [](const char* name, const Shape& input, const char* layer) {
    EXPECT_THAT([&] { make_model(name, input, 2); },
                throws_error(ErrorCode::invalid_argument,
                             AllOf(HasSubstr(std::string("model ") + name), HasSubstr(layer))))
        << name;
  };
  refuses("mnist_cnn", {2, 2, 1}, "conv2d after input image");
  refuses("generator_cnn", {128, 128}, "(128, 128)");
  refuses("global_max_cnn", {10}, "(10)");
  refuses("mini_googlenet", {28, 28, 3}, "average_pooling2d after concatenate");
  refuses("resnet18", {224, 224}, "(224, 224)");
  refuses("shared_lstm", {28, 28, 1}, "such as (140, 256), not (28, 28, 1)");
}

TEST(Models, ThoseOfTheTutorialsHaveTheSizesGivenThere) {
  EXPECT_EQ(make_model("mnist_cnn", {28, 28, 1}, 10).parameter_count(), 54'410);
  EXPECT_EQ(make_model("global_max_cnn", {28, 28, 1}, 10).parameter_count(), 320 + 330);
  EXPECT_EQ(make_model("generator_cnn", {128, 128, 3}, 10).parameter_count(),
            896 + 126 * 126 * 32 * 10 + 10);
}

TEST(Models, GlobalMaxCnnTakesImagesOfAnySizeAndEndsInLogits) {
  const Graph graph = make_model("global_max_cnn", {57, 91, 3}, 10);
  EXPECT_EQ(graph.parameter_count(), 896 + 330);
  EXPECT_EQ(graph.layers().back().layer->kind(), "Dense");
}

TEST(Models, MiniGoogLeNetIsThatOfTheTables) {
  const Graph graph = make_model("mini_googlenet", {32, 32, 3}, 10);
  EXPECT_EQ(graph.parameter_count(), 1'656'250);
  EXPECT_EQ(graph.trainable_parameter_count(), 1'652'826);
  EXPECT_EQ(count_of(graph, "Conv2D"), 19);
  EXPECT_EQ(count_of(graph, "BatchNormalization"), 19);
  EXPECT_NEAR(static_cast<double>(graph.flops()), 469e6, 1e6);
  EXPECT_EQ(shape_of(graph, "concatenate_1"), Shape({32, 32, 80}));
  EXPECT_EQ(shape_of(graph, "concatenate_2"), Shape({15, 15, 160}));
  EXPECT_EQ(shape_of(graph, "concatenate_7"), Shape({7, 7, 240}));
  EXPECT_EQ(shape_of(graph, "concatenate_9"), Shape({7, 7, 336}));
  EXPECT_EQ(shape_of(graph, "dense"), Shape({10}));
}

TEST(Models, SharedLstmHasOneLstmForBothSequences) {
  const Graph graph = make_model("shared_lstm", {140, 256}, 2);
  EXPECT_EQ(count_of(graph, "LSTM"), 1);
  EXPECT_EQ(graph.parameter_count(), 82'176 + 129);
  EXPECT_EQ(graph.shape(graph.output()), Shape({1}));
  EXPECT_THAT(
      [] {
        make_model("shared_lstm", Shape{140, 256}, 10);
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("2 classes, not 10")));
}

TEST(Models, ResNetsHaveAsManyParametersAsThoseOfTorchvision) {
  const Shape image{224, 224, 3};
  EXPECT_EQ(make_model("resnet18", image, 1000).trainable_parameter_count(), 11'689'512);
  EXPECT_EQ(make_model("resnet34", image, 1000).trainable_parameter_count(), 21'797'672);
  EXPECT_EQ(make_model("resnet50", image, 1000).trainable_parameter_count(), 25'557'032);
}

TEST(Models, ResNet50HalvesImagesInTheThreeByThreeConvolutions) {
  const Graph graph = make_model("resnet50", {224, 224, 3}, 1000);
  EXPECT_EQ(count_of(graph, "Conv2D"), 53);
  EXPECT_EQ(shape_of(graph, "maxpool"), Shape({56, 56, 64}));
  EXPECT_EQ(shape_of(graph, "layer2.0.conv1"), Shape({56, 56, 128}));
  EXPECT_EQ(shape_of(graph, "layer2.0.conv2"), Shape({28, 28, 128}));
  EXPECT_EQ(shape_of(graph, "layer4.2.add"), Shape({7, 7, 2048}));
  EXPECT_NEAR(static_cast<double>(graph.flops()), 2 * 4.09e9, 0.03e9);
}

}  // namespace
}  // namespace headrace
