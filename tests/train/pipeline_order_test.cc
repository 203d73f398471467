#include "headrace/train/pipeline_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace headrace {
namespace {

const PartMakers two{{}, {0}};
const PartMakers chain{{}, {0}, {1}, {2}};
const PartMakers branches{{}, {}, {0, 1}};
const PartMakers shortcut{{}, {0}, {0, 1}};

// "F0 F1 B0": what a part does.
std::string passes_of(const PipelineOrder& order, std::size_t part) {
  std::string text;
  for (const PipelinePass& pass : order.passes) {
    if (pass.part != part) continue;
    text += (text.empty() ? "" : " ") + std::string(pass.backward ? "B" : "F") +
            std::to_string(pass.micro_batch);
  }
  return text;
}

// Time when all passes are done, if each takes 1 and the last part's, which are two, 2; each part
// has a device.
std::size_t time_of(const PipelineOrder& order, std::size_t parts) {
  std::vector<std::size_t> ends, free(parts, 0);
  for (const PipelinePass& pass : order.passes) {
    std::size_t begin = free[pass.part];
    for (const std::size_t other : pass.after) begin = std::max(begin, ends[other]);
    ends.push_back(begin + (pass.part + 1 == parts ? 2 : 1));
    free[pass.part] = ends.back();
  }
  return *std::max_element(ends.begin(), ends.end());
}

TEST(PipelineOrder, OneMicroBatchGoesThroughAllPartsAndBack) {
  const PipelineOrder order = pipeline_order(shortcut, 1, true);
  ASSERT_EQ(order.passes.size(), 5u);
  const std::size_t parts[] = {0, 1, 2, 1, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(order.passes[i].part, parts[i]);
    EXPECT_EQ(order.passes[i].backward, i > 2);
  }
  EXPECT_EQ(order.lanes, 1u);
}

TEST(PipelineOrder, PartsGoAheadAndThenForwardAndBackwardInTurn) {
  const PipelineOrder order = pipeline_order(two, 4, true);
  EXPECT_EQ(passes_of(order, 0), "F0 F1 B0 F2 B1 F3 B2 B3");
  EXPECT_EQ(passes_of(order, 1), "F0 F1 F2 F3");
  EXPECT_EQ(order.lanes, 2u);
  EXPECT_EQ(passes_of(pipeline_order(chain, 6, true), 0), "F0 F1 F2 F3 B0 F4 B1 F5 B2 B3 B4 B5");
}

TEST(PipelineOrder, DevicesWaitAsLongAsTheoryHasIt) {
  for (const std::size_t micro_batches : {1u, 2u, 4u, 8u, 32u}) {
    EXPECT_EQ(time_of(pipeline_order(two, micro_batches, true), 2), 2 * (micro_batches + 1));
    EXPECT_EQ(time_of(pipeline_order(chain, micro_batches, true), 4), 2 * (micro_batches + 3));
  }
}

// Whatever a lane holds is not overwritten before all have done with it.
void expect_sound(const PartMakers& makers, std::size_t micro_batches, bool training) {
  const PipelineOrder order = pipeline_order(makers, micro_batches, training);
  const std::size_t last = makers.size() - 1;
  const std::size_t backwards = training ? last * micro_batches : 0;
  ASSERT_EQ(order.passes.size(), makers.size() * micro_batches + backwards);
  std::vector<std::size_t> under_way(makers.size(), 0);
  for (std::size_t i = 0; i < order.passes.size(); ++i) {
    const PipelinePass& pass = order.passes[i];
    for (const std::size_t other : pass.after) EXPECT_LT(other, i);
    for (const std::size_t maker : makers[pass.part]) {
      if (pass.backward) continue;
      EXPECT_TRUE(std::any_of(pass.after.begin(), pass.after.end(), [&](std::size_t other) {
        const PipelinePass& before = order.passes[other];
        return before.part == maker && before.micro_batch == pass.micro_batch && !before.backward;
      }));
    }
    if (!training || pass.part == last) continue;
    pass.backward ? --under_way[pass.part] : ++under_way[pass.part];
    EXPECT_LE(under_way[pass.part], order.lanes);
  }
}

TEST(PipelineOrder, EveryPassComesOnceAfterThoseItNeedsAndLanesSuffice) {
  for (const PartMakers& makers : {two, chain, branches, shortcut}) {
    for (const std::size_t micro_batches : {1u, 2u, 3u, 7u}) {
      expect_sound(makers, micro_batches, true);
      expect_sound(makers, micro_batches, false);
    }
  }
}

// Without backward passes a lane is free when those that read from it have gone on.
TEST(PipelineOrder, ForwardAloneWaitsForTheReadersOfALane) {
  const PipelineOrder order = pipeline_order(two, 5, false);
  for (const PipelinePass& pass : order.passes) {
    if (pass.part != 0 || pass.micro_batch < 2) continue;
    ASSERT_EQ(pass.after.size(), 1u);
    EXPECT_EQ(order.passes[pass.after[0]].part, 1u);
    EXPECT_EQ(order.passes[pass.after[0]].micro_batch, pass.micro_batch - 2);
  }
}

}  // namespace
}  // namespace headrace
