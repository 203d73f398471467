#include "headrace/train/graph.h"

#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/layers/max_pooling2d.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> layer_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& entry : graph.layers()) names.push_back(entry.name);
  return names;
}

TEST(Graph, NamesLayersAsKerasDoes) {
  Graph graph;
  auto x = graph.input({28, 28, 1});
  x = graph.add(std::make_shared<Conv2D>(4, 3), {x});
  x = graph.add(std::make_shared<Conv2D>(4, 3), {x});
  x = graph.add(std::make_shared<MaxPooling2D>(), {x}, "pool");
  x = graph.add(std::make_shared<Conv2D>(4, 3), {x});
  EXPECT_THAT(layer_names(graph), ElementsAre("conv2d", "conv2d_1", "pool", "conv2d_2"));
  EXPECT_EQ(graph.output(), x);
}

TEST(Graph, ErrorsNameBothLayersAndLeaveTheGraphAsItWas) {
  Graph graph;
  auto x = graph.input({28, 28, 1});
  x = graph.add(std::make_shared<Conv2D>(4, 3), {x});
  EXPECT_THAT([&] { graph.add(std::make_shared<LSTM>(10), {x}); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("lstm after conv2d"), HasSubstr("(26, 26, 4)"))));
  EXPECT_THAT([&] { graph.add(std::make_shared<Conv2D>(1, 99), {x}, "huge"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("huge after conv2d")));
  EXPECT_THAT([&] { graph.add(std::make_shared<Dense>(std::int64_t{1} << 60), {x}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("too large")));
  EXPECT_EQ(graph.layers().size(), 1u);
  EXPECT_EQ(graph.nodes().size(), 2u);
}

TEST(Graph, RefusesBadInputsNodesAndNames) {
  Graph graph;
  EXPECT_THAT([&] { graph.output(); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("empty")));
  EXPECT_THAT(
      [&] {
        graph.input({28, 0, 1});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("(28, 0, 1)")));
  const auto x = graph.input({4});
  EXPECT_THAT([&] { graph.input({5}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("two inputs named image")));
  EXPECT_THAT([&] { graph.add(std::make_shared<Dense>(2), {7}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("no node number 7")));
  graph.add(std::make_shared<Dense>(2), {x}, "a");
  EXPECT_THAT([&] { graph.add(std::make_shared<Dense>(2), {x}, "a"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("two layers named a")));
  EXPECT_THAT([&] { graph.add(std::make_shared<Dense>(2), {x}, "a/b"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("a/b")));
  EXPECT_THAT([&] { graph.set_output(9); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("no node number 9")));
}

TEST(Graph, ASharedLayerHasItsParametersOnce) {
  Graph graph;
  const auto x = graph.input({6});
  const auto first = graph.add(std::make_shared<Dense>(6), {x});
  const auto second = graph.add_shared(0, {first});
  EXPECT_EQ(graph.layers().size(), 1u);
  EXPECT_EQ(graph.parameter_count(), 6 * 6 + 6);
  const auto wide = graph.add(std::make_shared<Dense>(7), {second});
  EXPECT_THAT([&] { graph.add_shared(0, {wide}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("dense after dense_1")));
}

TEST(Graph, SummaryIsATableOfLayersShapesParametersAndFlops) {
  const Graph graph = make_model("mnist_cnn", {28, 28, 1}, 10);
  EXPECT_EQ(graph.parameter_count(), 320 + 54'090);
  EXPECT_EQ(graph.summary(),
            "Layer (type)                   Output shape   Param #     FLOPs\n"
            "---------------------------------------------------------------\n"
            "image (Input)                  (28, 28, 1)          0         0\n"
            "conv2d (Conv2D)                (26, 26, 32)       320   389,376\n"
            "conv2d_relu (Activation)       (26, 26, 32)         0         0\n"
            "max_pooling2d (MaxPooling2D)   (13, 13, 32)         0         0\n"
            "flatten (Flatten)              (5408)               0         0\n"
            "dense (Dense)                  (10)            54,090   108,160\n"
            "dense_softmax (Activation)     (10)                 0         0\n"
            "Total params: 54,410 (212.54 KiB)\n"
            "Trainable params: 54,410 (212.54 KiB)\n"
            "Non-trainable params: 0 (0 B)\n"
            "Forward pass: 497.54 kFLOP a sample\n"
            "Values of all layers: 214.39 KiB a sample, and as much for their gradients in "
            "training\n");
}

Graph shared_lstm_on_three_devices() {
  ModelBuilder b;
  const auto left = b.input({14, 6}, "left"), right = b.input({14, 6}, "right");
  auto lstm = b.shared(std::make_shared<LSTM>(8));
  const auto first = lstm(left);
  b.device("cpu:1");
  const auto second = lstm(right);
  b.device("cpu:2");
  return b.build(b.dense(b.concatenate({first, second}), 1, {.activation = "sigmoid"}));
}

TEST(Graph, SummaryOfABranchedGraphSaysConnectionsUsesAndDevices) {
  const std::string summary = shared_lstm_on_three_devices().summary();
  for (const char* line : {
           "lstm[0] (LSTM)               (8)                480   12,544   left\n",
           "lstm[1] (LSTM)               (8)             shared   12,544   right              "
           "cpu:1\n",
           "concatenate (Concatenate)    (16)                 0        0   lstm[0], lstm[1]   "
           "cpu:2\n",
       }) {
    EXPECT_THAT(summary, HasSubstr(line));
  }
}

TEST(Graph, DevicesComeBackFromJson) {
  const Graph graph = shared_lstm_on_three_devices();
  const Graph copy = Graph::from_json(graph.to_json());
  EXPECT_EQ(copy.to_json(), graph.to_json());
  std::vector<std::string> devices;
  for (const auto& node : copy.nodes()) {
    devices.push_back(node.device ? to_string(*node.device) : "");
  }
  EXPECT_THAT(devices, ElementsAre("", "", "", "cpu:1", "cpu:2", "cpu:2", "cpu:2"));
}

TEST(Graph, CountsWhatIsTrainedAndWhatIsNot) {
  ModelBuilder b;
  b.batch_normalization(b.dense(b.input({4}), 6));
  EXPECT_EQ(b.build().parameter_count(), 30 + 24);
  EXPECT_EQ(b.build().trainable_parameter_count(), 30 + 12);
  EXPECT_THAT(b.build().summary(), HasSubstr("Non-trainable params: 12 (48 B)\n"));
}

TEST(Graph, ComesBackFromJson) {
  Graph graph = make_model("mnist_cnn", {28, 28, 1}, 10);
  graph.set_output(4);
  const Graph copy = Graph::from_json(graph.to_json());
  EXPECT_EQ(copy.to_json(), graph.to_json());
  EXPECT_EQ(copy.summary(), graph.summary());
  EXPECT_EQ(copy.output(), 4);
}

TEST(Graph, SharedUsesComeBackFromJson) {
  Graph graph;
  const auto x = graph.input({6});
  graph.add_shared(0, {graph.add(std::make_shared<Dense>(6), {x}, "twice")});
  const Graph copy = Graph::from_json(graph.to_json());
  EXPECT_EQ(copy.layers().size(), 1u);
  EXPECT_EQ(copy.nodes().size(), 3u);
  EXPECT_EQ(copy.parameter_count(), 42);
}

TEST(Graph, JsonThatIsNoGraphIsRefused) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"version":1})", R"({"version":"1","layers":[],"nodes":[]})",
        R"({"version":1,"layers":[],"nodes":[{"layer":3,"inputs":[0]}],"output":0})",
        R"({"version":1,"layers":[],"nodes":[{"input":"x","shape":[-4]}],"output":0})",
        R"({"version":1,"layers":[{"name":"d","class_name":"Dense","config":{"units":[1,"a"]}}],
            "nodes":[],"output":0})",
        R"({"version":1,"layers":[],"nodes":[{"input":"x","shape":[4]}],"output":5})",
        R"({"version":1,"layers":[],"nodes":[{"input":"x","shape":[4]}],"output":4294967296})",
        R"({"version":1,"layers":[],"nodes":[{"input":"x","shape":[4.5]}],"output":0})",
        R"({"version":1,"layers":[],"nodes":[{"input":"x","shape":[4],"device":1}],"output":0})",
        R"({"version":1,"layers":[],"nodes":[{"input":"x","shape":[4],"device":"tpu:0"}],
            "output":0})"}) {
    EXPECT_THAT([&] { Graph::from_json(text); },
                throws_error(ErrorCode::corrupt_data, HasSubstr("not a model graph")))
        << text;
  }
}

TEST(Graph, JsonOfALaterVersionOrLayerIsUnsupported) {
  EXPECT_THAT([&] { Graph::from_json(R"({"version":2})"); },
              throws_error(ErrorCode::unsupported, HasSubstr("later version")));
  EXPECT_THAT(
      [&] {
        Graph::from_json(
            R"({"version":1,"layers":[{"name":"x","class_name":"Warp","config":{}}]})");
      },
      throws_error(ErrorCode::unsupported, HasSubstr("Warp")));
}

}  // namespace
}  // namespace headrace
