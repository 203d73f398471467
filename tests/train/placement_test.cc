#include "headrace/train/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Of each node, "" for none.
std::vector<std::string> devices(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes()) {
    names.push_back(node.device ? to_string(*node.device) : "");
  }
  return names;
}

TEST(DeviceId, IsWrittenAsItIsRead) {
  EXPECT_EQ(parse_device_id("gpu:3"), (DeviceId{DeviceKind::gpu, 3}));
  EXPECT_EQ(to_string(parse_device_id("cpu:63")), "cpu:63");
  EXPECT_LT(parse_device_id("cpu:9"), parse_device_id("gpu:0"));
  for (const char* text :
       {"", "cpu", "cpu:", "cpu:-1", "cpu:1x", "tpu:0", "gpu:64", "1", "gpu 1"}) {
    EXPECT_THAT([&] { parse_device_id(text); },
                throws_error(ErrorCode::invalid_argument,
                             AllOf(HasSubstr("'" + std::string(text) + "'"), HasSubstr("gpu:0"))));
  }
}

TEST(Placement, NamesUsesAndWhatFollowsThem) {
  const Graph graph = make_model("shared_lstm", {20, 8}, 2);
  EXPECT_THAT(devices(place(graph, "lstm[0]=cpu:0, lstm[1] = cpu:1,concatenate=gpu:0")),
              ElementsAre("", "", "cpu:0", "cpu:1", "gpu:0", "gpu:0", "gpu:0"));
  EXPECT_THAT(devices(place(graph, "lstm=cpu:2,dense_sigmoid=cpu:0")),
              ElementsAre("", "", "cpu:2", "cpu:2", "cpu:2", "cpu:2", "cpu:0"));
  EXPECT_THAT(devices(place(graph, "dense*=cpu:4")),
              ElementsAre("", "", "", "", "", "cpu:4", "cpu:4"));
  EXPECT_THAT(devices(place(graph, "lstm=cpu:1,lstm[0]=cpu:5,dense=cpu:6")),
              ElementsAre("", "", "cpu:5", "cpu:1", "cpu:5", "cpu:6", "cpu:6"));
  EXPECT_EQ(place(graph, "").to_json(), graph.to_json());
}

TEST(Placement, WhatTheBuilderPlacedStaysUnlessItIsNamed) {
  ModelBuilder b;
  auto x = b.dense(b.input({4}), 3);
  {
    const auto scope = b.on("cpu:1");
    x = b.dense(x, 3);
  }
  x = b.dense(x, 3);
  b.device("cpu:2");
  x = b.dense(x, 3);
  EXPECT_THAT(devices(b.build()), ElementsAre("", "", "cpu:1", "", "cpu:2"));
  EXPECT_THAT(devices(place(b.build(), "dense_3=cpu:7")),
              ElementsAre("", "", "cpu:1", "cpu:1", "cpu:7"));
  EXPECT_THAT(devices(without_placement(b.build())), ElementsAre("", "", "", "", ""));
  EXPECT_THAT(devices_of(b.build()),
              ElementsAre(DeviceId{DeviceKind::cpu, 0}, DeviceId{DeviceKind::cpu, 1},
                          DeviceId{DeviceKind::cpu, 2}));
}

TEST(Placement, MistakesAreNamed) {
  const Graph graph = make_model("shared_lstm", {20, 8}, 2);
  const auto refuse = [&](const char* text, auto message) {
    EXPECT_THAT([&] { place(graph, text); }, throws_error(ErrorCode::invalid_argument, message));
  };
  refuse("gru=cpu:1", AllOf(HasSubstr("no layer gru"), HasSubstr("lstm, concatenate, dense")));
  refuse("lstm[2]=cpu:1", HasSubstr("no layer lstm[2]"));
  refuse("lstm", HasSubstr("LAYER=cpu:1"));
  refuse("lstm=fpga:1", AllOf(HasSubstr("layer lstm"), HasSubstr("'fpga:1'")));
}

}  // namespace
}  // namespace headrace
