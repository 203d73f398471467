#include "headrace/train/gradient_buckets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cpu_plans.h"
#include "headrace/train/model_builder.h"
#include "reference_samples.h"

namespace headrace {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;
using Seconds = std::chrono::seconds;

// One rank, which notes what it is asked for.
class Journal final : public Communicator {
 public:
  explicit Journal(std::vector<std::string>& events) : events_(events) {}
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  Ticket start(Collective, std::span<float> buffer) override {
    events_.push_back("start " + std::to_string(buffer.size()));
    return next_++;
  }
  void wait(Ticket ticket, std::chrono::milliseconds) override {
    events_.push_back("wait " + std::to_string(ticket));
  }
  void abort(const char*) noexcept override {}

 private:
  std::vector<std::string>& events_;
  Ticket next_ = 0;
};

TEST(GradientBuckets, EachGoesOffAsSoonAsAllOfItIsFinal) {
  std::vector<std::string> events;
  Journal journal(events);
  std::vector<float> gradients(25);
  GradientBuckets buckets(journal, gradients, 10);
  buckets.ready(9);
  EXPECT_THAT(events, ElementsAre());
  buckets.ready(10);
  EXPECT_THAT(events, ElementsAre("start 10"));
  buckets.ready(24);
  EXPECT_THAT(events, ElementsAre("start 10", "start 10"));
  buckets.ready(25);
  buckets.finish();
  EXPECT_THAT(events, ElementsAre("start 10", "start 10", "start 5"));
  buckets.wait(Seconds(1));
  EXPECT_THAT(events, ElementsAre("start 10", "start 10", "start 5", "wait 2", "wait 1", "wait 0"));
}

TEST(GradientBuckets, WhatTheRankDoesItselfIsNotHidden) {
  std::vector<std::string> events;
  Journal journal(events);
  std::vector<float> gradients(25);
  GradientBuckets buckets(journal, gradients, 10);
  buckets.ready(20);
  buckets.finish();
  const ExchangeTimes times = buckets.wait(Seconds(1));
  EXPECT_EQ(times.seconds, times.after_backward);
}

// A model with batch normalisation makes its gradients in parts, the last layers' first.
TEST(GradientBuckets, TheFirstGoesOffBeforeTheCpuPlansBackwardPassEnds) {
  ModelBuilder b;
  auto x = b.input({8, 8, 2});
  for (int i = 0; i < 3; ++i) {
    x = b.activation(b.batch_normalization(b.conv2d(x, 8, 3, {.padding = Padding::same})), "relu");
  }
  const Graph graph = b.build(b.dense(b.flatten(x), 4, {.activation = "softmax"}));
  const Batch batch = make_graph_batch(graph, random_samples(graph, 6, false, 1));
  const auto plan = make_cpu_backend()->compile(graph, {.batch_size = 6, .threads = 2});
  plan->set_parameters(random_parameters(graph));
  std::vector<std::string> events;
  Journal journal(events);
  GradientBuckets buckets(journal, plan->gradients(), 1000);
  plan->set_gradient_listener([&](std::size_t, std::size_t last) {
    events.emplace_back("final");
    buckets.ready(last);
  });
  plan->forward_backward(whole(batch));
  events.emplace_back("backward has ended");
  buckets.finish();
  // First the dense layer's 2,052 and the last normalisation's, then a convolution's 584 at a time.
  EXPECT_THAT(events,
              ElementsAre("final", "start 1000", "start 1000", "final", "final", "start 1000",
                          "final", "backward has ended", StartsWith("start")));
}

}  // namespace
}  // namespace headrace
