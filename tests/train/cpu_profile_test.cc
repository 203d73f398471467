#include <gtest/gtest.h>

#include <algorithm>

#include "cpu_plans.h"
#include "headrace/train/model_builder.h"
#include "reference_samples.h"

namespace headrace {
namespace {

const OperationTime& of_kind(const std::vector<OperationTime>& times, const std::string& kind) {
  const auto found = std::find_if(times.begin(), times.end(),
                                  [&](const OperationTime& time) { return time.kind == kind; });
  if (found == times.end()) throw std::runtime_error("nothing of kind " + kind);
  return *found;
}

TEST(CpuProfile, CountsTheWorkOfEachKindOfOperation) {
  ModelBuilder b;
  auto x = b.conv2d(b.input({8, 8, 2}), 5, 3, {.padding = Padding::same});
  x = b.activation(b.batch_normalization(x), "relu");
  const Graph graph = b.build(b.dense(b.flatten(x), 4, {.activation = "softmax"}));
  const Batch batch = make_graph_batch(graph, random_samples(graph, 6, false, 1));
  const auto plan = compile(graph, {.batch_size = 6, .threads = 2});
  plan->forward_backward(whole(batch));
  EXPECT_TRUE(plan->profile().empty());
  plan->start_profile();
  plan->forward_backward(whole(batch));
  plan->update(0.1, 1);
  const auto times = plan->profile();
  // Of the image nobody wants the gradient.
  EXPECT_EQ(of_kind(times, "convolution").flops, 2.0 * 6 * 2 * (64 * 5 * 9 * 2));
  EXPECT_EQ(of_kind(times, "dense").flops, 2.0 * 6 * 3 * (320 * 4));
  for (const char* kind : {"convolution", "dense", "batch normalisation"}) {
    EXPECT_GT(of_kind(times, kind).forward_seconds, 0) << kind;
    EXPECT_GT(of_kind(times, kind).backward_seconds, 0) << kind;
  }
  for (const char* kind : {"loss", "gradients", "update"}) {
    EXPECT_GT(of_kind(times, kind).seconds(), 0) << kind;
  }
  plan->start_profile();
  EXPECT_TRUE(plan->profile().empty());
}

}  // namespace
}  // namespace headrace
