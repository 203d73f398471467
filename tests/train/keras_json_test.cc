#include "headrace/train/keras_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "../support/error_matcher.h"
#include "../support/fixtures.h"
#include "headrace/train/models/model_registry.h"
#include "layer_models.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Files that script/fixtures/keras_models.py had Keras write, or read.
std::string text_of(const std::string& name) {
  std::ifstream file(fixtures_folder() + "/keras/" + name + ".json");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), by);
}

// {"class_name": ..., "config": {...}} after an input of this shape.
std::string sequential(const std::string& layer,
                       const std::string& batch_shape = "[null, 8, 8, 4]") {
  return R"({"class_name": "Sequential", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": )" +
         batch_shape + "}}, " + layer + "]}}";
}

auto refuses(const std::string& json, const std::string& why,
             ErrorCode code = ErrorCode::unsupported) {
  EXPECT_THAT([&] { graph_from_keras_json(json); }, throws_error(code, HasSubstr(why))) << json;
}

TEST(KerasJson, ASequentialModelHasKerasLayersAndActivationsBehindThem) {
  const Graph graph = graph_from_keras_json(text_of("keras_sequential"));
  EXPECT_EQ(graph.parameter_count(), 13'990);
  EXPECT_EQ(graph.nodes().front().input_name, "image");
  const std::string summary = graph.summary();
  for (const char* line :
       {"conv2d (Conv2D)                            (14, 14, 8)         72",
        "conv2d_relu (Activation)                   (14, 14, 8)", "leaky_re_lu (LeakyReLU)",
        "depthwise_conv2d_silu (Activation)", "re_lu (Activation)",
        "zero_padding2d (ZeroPadding2D)             (7, 10, 16)", "reshape (Reshape)",
        "dense_gelu (Activation)", "softmax (Activation)                       (10)"}) {
    EXPECT_THAT(summary, HasSubstr(line));
  }
}

TEST(KerasJson, WhatAModelLeavesOpenIsGivenByTheReader) {
  const Graph graph = graph_from_keras_json(text_of("keras_functional"), {20, 24, 3});
  EXPECT_EQ(graph.nodes().front().shape, Shape({20, 24, 3}));
  EXPECT_EQ(graph.parameter_count(), 621);
  EXPECT_EQ(graph.layers().front().parameters.front().initializer, Initializer::he_normal_fan_out);
  EXPECT_THAT([&] { graph_from_keras_json(text_of("keras_functional")); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("input picture"), HasSubstr("[null,null,null,3]"))));
}

TEST(KerasJson, SharedLayersAndSeveralInputsKeepTheirNames) {
  const Graph graph = graph_from_keras_json(text_of("keras_shared_lstm"));
  EXPECT_EQ(graph.nodes()[0].input_name, "left");
  EXPECT_EQ(graph.nodes()[1].input_name, "right");
  EXPECT_EQ(graph.layers().size(), 6u + 1u);  // and the last one's sigmoid
  EXPECT_EQ(graph.parameter_count(), 42 + 240 + 144 + 9);
  EXPECT_EQ(graph.shape(graph.output()), Shape({1}));
}

TEST(KerasJson, WhatIsWrittenReadsAsTheSameGraph) {
  std::vector<Graph> graphs;
  for (const TestModel& model : layer_models()) graphs.push_back(model.graph);
  graphs.push_back(make_model("shared_lstm", {14, 6}, 2));
  graphs.push_back(make_model("resnet18", {32, 32, 3}, 10));
  for (const char* name : {"keras_sequential", "keras_functional", "keras_shared_lstm"}) {
    graphs.push_back(graph_from_keras_json(text_of(name), {20, 24, 3}));
  }
  for (const Graph& graph : graphs) {
    const Graph again = graph_from_keras_json(to_keras_json(graph));
    EXPECT_EQ(again.parameter_count(), graph.parameter_count());
    EXPECT_EQ(to_keras_json(again), to_keras_json(graph));
  }
}

TEST(KerasJson, TheLargeModelsAreWrittenAsKerasHasReadThem) {
  EXPECT_EQ(to_keras_json(make_model("mini_googlenet", {32, 32, 3}, 10), "mini_googlenet") + "\n",
            text_of("headrace_mini_googlenet"));
  EXPECT_EQ(to_keras_json(make_model("resnet50", {224, 224, 3}, 1000), "resnet50") + "\n",
            text_of("headrace_resnet50"));
}

TEST(KerasJson, TheFormOfKeras2IsReadWhereItSaysTheSame) {
  const std::string tensor = R"([["in", 0, 0, {}]])";
  const std::string batch_normalization =
      R"({"name": "bn", "class_name": "BatchNormalization", "inbound_nodes": [)" + tensor +
      R"(], "config": {"name": "bn", "axis": [3], "trainable": true, "dtype": "float32"}})";
  const std::string leaky =
      R"({"name": "l", "class_name": "LeakyReLU", "inbound_nodes": [[["bn", 0, 0, {}]]],
          "config": {"name": "l", "alpha": 0.125}})";
  const Graph graph = graph_from_keras_json(
      R"({"class_name": "Functional", "keras_version": "2.11.0", "config": {"name": "m", "layers": [
      {"name": "in", "class_name": "InputLayer", "inbound_nodes": [],
       "config": {"batch_input_shape": [null, 8, 8, 4], "dtype": "float32", "name": "in"}}, )" +
      batch_normalization + ", " + leaky +
      R"(], "input_layers": [["in", 0, 0]], "output_layers": [["l", 0, 0]]}})");
  EXPECT_EQ(graph.parameter_count(), 16);
  EXPECT_EQ(graph.layers().back().layer->attributes().at("negative_slope"), AttributeValue(0.125));

  const Graph plain = graph_from_keras_json(
      R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "Dense",
          "config": {"name": "d", "batch_input_shape": [null, 7], "units": 3}}]}})");
  EXPECT_EQ(plain.parameter_count(), 24);
}

TEST(KerasJson, AnAttributeWithAnotherMeaningIsRefusedNamingTheLayer) {
  const std::string text = text_of("keras_sequential");
  const auto refuses_attribute = [&](const std::string& what, const std::string& by,
                                     const std::string& why) {
    refuses(replaced(text, what, by), why);
  };
  refuses_attribute(R"("data_format":"channels_last")", R"("data_format":"channels_first")",
                    "layer conv2d (Conv2D): data_format is \"channels_first\"; only "
                    "\"channels_last\" is supported");
  refuses_attribute(R"("renorm":false)", R"("renorm":true)", "renorm is true");
  refuses_attribute(R"("class_name":"Zeros")", R"("class_name":"Ones")", "bias_initializer");
  refuses_attribute(R"("class_name":"HeNormal")", R"("class_name":"RandomNormal")",
                    "kernel_initializer is RandomNormal; supported: Zeros");
  refuses_attribute(R"("dtype":"float32")", R"("dtype":"float16")", "\"float16\" is not supported");
  refuses(replaced(text, R"("bias_regularizer":null)", R"("bias_regularizer":"l2")"),
          "bias_regularizer", ErrorCode::invalid_argument);
  refuses(replaced(text, R"("padding":"same")", R"("padding":"causal")"), "layer conv2d (Conv2D)",
          ErrorCode::invalid_argument);
  refuses(replaced(text, R"("activation":"relu")", R"("activation":"mish")"), "known: linear, relu",
          ErrorCode::invalid_argument);
  const std::string lstm = text_of("keras_shared_lstm");
  refuses(replaced(lstm, R"("go_backwards":false)", R"("go_backwards":true)"),
          "layer lstm (LSTM): go_backwards");
  refuses(replaced(lstm, R"("activation":"tanh","recurrent_activation")",
                   R"("activation":"relu","recurrent_activation")"),
          "only \"tanh\"");
  refuses(replaced(lstm, R"("recurrent_dropout":0.0)", R"("recurrent_dropout":0.1)"),
          "recurrent_dropout is 0.1");
}

TEST(KerasJson, ALayerThatIsNotThereIsRefusedWithThoseThatAre) {
  EXPECT_THAT(
      [] {
        graph_from_keras_json(
            sequential(R"({"class_name": "SpectralNormalization", "config": {"name": "s"}})"));
      },
      throws_error(ErrorCode::unsupported,
                   AllOf(HasSubstr("layer s (SpectralNormalization)"), HasSubstr("Conv2D"))));
  refuses(sequential(R"({"class_name": "Sequential", "config": {"name": "part", "layers": []}})"),
          "layer part is a model in the model");
  refuses(R"({"class_name": "Wide", "config": {}})", "class Wide");
}

TEST(KerasJson, ACallWithOptionsThatMatterIsRefused) {
  const std::string text = text_of("keras_functional");
  const std::string call = R"("kwargs":{"mask":null})";
  ASSERT_THAT(text, HasSubstr(call));
  refuses(replaced(text, call, R"("kwargs":{"training":false})"),
          "layer batch_normalization (BatchNormalization): is called with training=false");
  refuses(replaced(text_of("keras_shared_lstm"), R"("keras_history":["left",0,0])",
                   R"("keras_history":["left",0,1])"),
          "further output of layer left");
}

TEST(KerasJson, ABrokenModelIsAnErrorThatSaysWhy) {
  refuses("{", "not a Keras model", ErrorCode::corrupt_data);
  refuses(R"({"class_name": "Sequential"})", "config", ErrorCode::corrupt_data);
  refuses(R"({"class_name": "Sequential", "config": {"layers": []}})", "no layers",
          ErrorCode::corrupt_data);
  const std::string text = text_of("keras_shared_lstm");
  refuses(replaced(text, R"("keras_history":["left",0,0])", R"("keras_history":["middle",0,0])"),
          "made of something that is not in the model", ErrorCode::corrupt_data);
  refuses(
      sequential(R"({"class_name": "Dense", "config": {"name": "d", "units": 3}})", "[null, null]"),
      "leaves its size open", ErrorCode::invalid_argument);
  refuses(sequential(R"({"class_name": "Conv2D", "config": {"name": "c", "filters": 3,
                         "kernel_size": [9, 9]}})"),
          "layer c (Conv2D): c after input image", ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace headrace
