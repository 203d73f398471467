// Batch normalisation over plans that share a batch, against the reference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "cpu_plans.h"
#include "headrace/train/communicator.h"
#include "headrace/train/model_builder.h"
#include "reference_samples.h"

namespace headrace {
namespace {

using ::testing::Each;

Graph normalised_twice(bool synchronized) {
  const BatchNormalizationOptions options{.momentum = 0.9, .synchronized = synchronized};
  ModelBuilder b;
  auto x = b.conv2d(b.input({8, 8, 2}), 5, 3, {.strides = 2});
  x = b.activation(b.batch_normalization(x, options), "relu");
  x = b.conv2d(x, 4, 2, {.padding = Padding::same, .use_bias = false});
  x = b.activation(b.batch_normalization(x, options), "silu");
  return b.build(b.dense(b.flatten(x), 4, {.activation = "softmax"}));
}

// The sum of the replicas' gradients, and what the first one's statistics became.
std::vector<NamedTensor> joint_gradients(const Graph& graph, const Batch& batch, int replicas) {
  const auto ranks = make_local_communicators(replicas);
  std::vector<std::vector<NamedTensor>> of_rank(static_cast<std::size_t>(replicas));
  std::vector<std::thread> threads;
  for (int r = 0; r < replicas; ++r) {
    threads.emplace_back([&, r] {
      Communicator& rank = *ranks[static_cast<std::size_t>(r)];
      StepInput input = whole(batch);
      input.first = input.global_first = r * batch.size() / replicas;
      input.rows = (r + 1) * batch.size() / replicas - input.first;
      const PlanOptions options{.batch_size = batch.size(), .threads = 1 + r % 2};
      of_rank[static_cast<std::size_t>(r)] =
          gradients_of(graph, options, input, [&](std::span<float> values) {
            rank.wait(rank.start(Collective::all_reduce_sum, values), std::chrono::seconds(60));
          });
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<bool> trained;
  for (const auto& entry : graph.layers()) {
    for (const auto& spec : entry.parameters) trained.push_back(spec.trainable);
  }
  auto sum = of_rank[0];
  for (std::size_t p = 0; p < sum.size(); ++p) {
    for (std::size_t r = 1; r < of_rank.size(); ++r) {
      for (std::size_t i = 0; i < sum[p].values.size(); ++i) {
        const float value = of_rank[r][p].values[i];
        if (trained[p]) {
          sum[p].values[i] += value;
        } else {
          EXPECT_EQ(value, sum[p].values[i]) << sum[p].name << " of replica " << r;
        }
      }
    }
  }
  return sum;
}

class CpuReplicas : public ::testing::TestWithParam<bool> {};

TEST_P(CpuReplicas, StatisticsAndGradientsAgreeWithTheReference) {
  const Graph graph = normalised_twice(GetParam());
  const auto samples = random_samples(graph, 11, false, 22);
  const Batch batch = make_graph_batch(graph, samples);
  reference::Model model(graph);
  model.set_parameters(random_parameters(graph));
  for (int replicas : {1, 2, 3}) {
    const auto expected = model.step(samples, DropoutStep{5, 6}, replicas);
    const auto gradients = joint_gradients(graph, batch, replicas);
    for (std::size_t p = 0; p < gradients.size(); ++p) {
      auto values = expected.gradients[p];
      if (!expected.moved[p].empty()) {
        values = expected.moved[p];
        for (double& value : values) value = -value;
      }
      if (gradients[p].name == "conv2d/bias") {  // normalisation takes it away again
        EXPECT_THAT(gradients[p].values, Each(0.0f));
        continue;
      }
      EXPECT_LT(relative_error(gradients[p].values, values), 1e-5)
          << gradients[p].name << " of " << replicas << " replicas";
    }
  }
}

// More replicas than rows: those without rows take part in every sum.
TEST_P(CpuReplicas, AnEmptyShareChangesNothing) {
  const Graph graph = normalised_twice(GetParam());
  const auto samples = random_samples(graph, 2, false, 23);
  const Batch batch = make_graph_batch(graph, samples);
  const auto two = joint_gradients(graph, batch, 2);
  const auto three = joint_gradients(graph, batch, 3);
  for (std::size_t p = 0; p < two.size(); ++p) {
    if (two[p].name == "conv2d/bias") continue;
    EXPECT_LT(relative_error(three[p].values, two[p].values), 1e-5) << two[p].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Normalization, CpuReplicas, ::testing::Bool(), [](const auto& test) {
  return test.param ? "Synchronized" : "OfEachReplica";
});

}  // namespace
}  // namespace headrace
