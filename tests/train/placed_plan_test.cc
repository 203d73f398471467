// Models whose layers are on several devices, against the same on one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

#include "../support/error_matcher.h"
#include "cpu_plans.h"
#include "headrace/train/layers/lstm.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/placement.h"
#include "layer_models.h"
#include "reference_samples.h"
#include "test_models.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Layer by layer on three devices in turn.
Graph scattered(Graph graph) {
  int number = 0;
  for (Graph::NodeId id = 0; id < static_cast<Graph::NodeId>(graph.nodes().size()); ++id) {
    graph.place(id, DeviceId{DeviceKind::cpu, number++ % 3});
  }
  return graph;
}

// The model of Keras' tutorial on several devices.
Graph tutorial(std::int64_t times, std::int64_t features, bool on_three_devices) {
  ModelBuilder b;
  const auto left = b.input({times, features}, "left"), right = b.input({times, features}, "right");
  auto lstm = b.shared(std::make_shared<LSTM>(64));
  if (on_three_devices) b.device("cpu:0");
  const auto first = lstm(left);
  if (on_three_devices) b.device("cpu:1");
  const auto second = lstm(right);
  if (on_three_devices) b.device("cpu:2");
  return b.build(b.dense(b.concatenate({first, second}), 1, {.activation = "sigmoid"}));
}

Graph with_batch_norm() {
  ModelBuilder b;
  auto x = b.batch_normalization(b.conv2d(b.input({6, 5, 2}), 8, 3, {.activation = "relu"}));
  auto y = b.batch_normalization(b.conv2d(x, 8, 3, {.padding = Padding::same}));
  y = b.activation(b.add(x, y), "relu");
  x = b.concatenate(
      {b.conv2d(y, 4, 1), b.max_pooling2d(y, 3, {.strides = 1, .padding = Padding::same})});
  return b.build(b.dense(b.flatten(x), 3, {.activation = "softmax"}));
}

PlanOptions yes_or_no(std::int64_t rows) {
  PlanOptions options{.batch_size = rows};
  options.loss.kind = LossKind::binary_crossentropy;
  return options;
}

Batch samples_of(const Graph& graph, std::int64_t rows, std::uint64_t seed) {
  return make_graph_batch(graph, random_samples(graph, rows, false, seed));
}

double norm(const NamedTensor& tensor) {
  double sum = 0;
  for (const float value : tensor.values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

// Tensors that are next to nothing, as gradients of biases before batch normalisation, are measured
// against all.
void expect_same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b,
                 double error) {
  ASSERT_EQ(a.size(), b.size());
  double all = 0;
  for (const NamedTensor& tensor : b) all = std::hypot(all, norm(tensor));
  for (std::size_t p = 0; p < a.size(); ++p) {
    EXPECT_EQ(a[p].name, b[p].name);
    const double scale = norm(b[p]) < 1e-4 * all ? all / std::max(norm(b[p]), 1e-12) : 1;
    EXPECT_LT(relative_error(a[p].values, b[p].values), error * scale) << a[p].name;
  }
}

TEST(PlacedPlan, TheTutorialsModelOnThreeDevicesComesToTheSameAsOnOne) {
  const Graph one_device = tutorial(140, 256, false), three_devices = tutorial(140, 256, true);
  PlanOptions options = yes_or_no(32);
  options.optimizer = RmsProp{};
  const auto one = compile(one_device, options), three = compile(three_devices, options);
  for (std::uint64_t step = 1; step <= 3; ++step) {
    const Batch batch = samples_of(one_device, 32, step);
    for (Plan* plan : {one.get(), three.get()}) {
      plan->reset_metrics();
      plan->forward_backward(whole(batch));
      plan->update(0.001, step);
    }
    EXPECT_NEAR(three->metrics().loss, one->metrics().loss, 1e-6 * one->metrics().loss);
    EXPECT_EQ(three->metrics().correct, one->metrics().correct);
  }
  expect_same(three->parameters(), one->parameters(), 1e-6);
  expect_same(three->optimizer_state(), one->optimizer_state(), 1e-6);
}

class PlacedPlanModel : public ::testing::TestWithParam<TestModel> {};

TEST_P(PlacedPlanModel, OutputLossAndGradientsAreThoseOfOneDevice) {
  const Graph& graph = GetParam().graph;
  const Graph placed = scattered(graph);
  const Batch batch = samples_of(graph, 11, 3);
  for (int threads : {1, 6}) {
    const PlanOptions options{.batch_size = 16, .threads = threads};
    expect_same(gradients_of(placed, options, whole(batch)),
                gradients_of(graph, options, whole(batch)), 2e-6);

    const auto one = compile(graph, options), several = compile(placed, options);
    for (Plan* plan : {one.get(), several.get()}) {
      plan->forward_backward(whole(batch));
      plan->evaluate(whole(batch));
    }
    EXPECT_NEAR(several->metrics().loss, one->metrics().loss, 1e-6 * one->metrics().loss);
    EXPECT_EQ(several->metrics().samples, 22);
    std::vector<float> expected(
        static_cast<std::size_t>(11 * graph.shape(graph.output()).elements()));
    std::vector<float> output(expected.size());
    one->predict(whole(batch), expected);
    several->predict(whole(batch), output);
    EXPECT_LT(relative_error(output, expected), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, PlacedPlanModel, ::testing::ValuesIn([] {
                           auto models = test_models();
                           for (auto& model : layer_models()) models.push_back(model);
                           models.push_back({"residual_and_concatenated", with_batch_norm()});
                           return models;
                         }()),
                         [](const auto& test) { return test.param.name; });

TEST(PlacedPlan, TheSameCallGivesTheSameBits) {
  const Graph graph = scattered(with_batch_norm());
  const Batch batch = samples_of(graph, 9, 4);
  const auto plan = compile(graph, {.batch_size = 9, .threads = 3});
  plan->forward_backward(whole(batch));
  const auto view = plan->gradients();
  const std::vector<float> first(view.begin(), view.end());
  for (int round = 0; round < 5; ++round) {
    plan->forward_backward(whole(batch));
    EXPECT_TRUE(std::equal(first.begin(), first.end(), plan->gradients().begin()));
  }
}

struct Heard {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::thread::id> threads;  // of "cpu:1 forward LAYERS"
  int branches = 0;
};

TEST(PlacedPlan, EachDeviceComputesItsLayersOnItsOwnThreadAndBranchesAtTheSameTime) {
  const Graph graph = tutorial(6, 4, true);
  const Batch batch = samples_of(graph, 4, 1);
  const auto plan = compile(graph, yes_or_no(4));
  Heard heard;
  bool met = true;
  plan->set_device_listener([&](const Plan::DeviceTurn& turn) {
    if (turn.is_over) return;
    std::unique_lock lock(heard.mutex);
    heard.threads[turn.device + (turn.backward ? " backward " : " forward ") + turn.layers] =
        std::this_thread::get_id();
    if (!turn.layers.starts_with("lstm") || turn.backward) return;
    // Neither branch goes on before both have begun.
    ++heard.branches;
    heard.changed.notify_all();
    met = heard.changed.wait_for(lock, std::chrono::seconds(60), [&] {
      return heard.branches == 2;
    }) && met;
  });
  plan->forward_backward(whole(batch));
  EXPECT_TRUE(met);
  ASSERT_EQ(heard.threads.size(), 5u);
  const auto left = heard.threads.at("cpu:0 forward lstm[0]");
  const auto right = heard.threads.at("cpu:1 forward lstm[1]");
  const auto end = heard.threads.at("cpu:2 forward concatenate, dense, dense_sigmoid");
  EXPECT_EQ(heard.threads.at("cpu:0 backward lstm[0]"), left);
  EXPECT_EQ(heard.threads.at("cpu:1 backward lstm[1]"), right);
  EXPECT_NE(left, right);
  EXPECT_NE(left, end);
  EXPECT_NE(right, end);
  EXPECT_NE(left, std::this_thread::get_id());
}

std::vector<float> gradients_of_step(Plan& plan, const StepInput& input) {
  plan.forward_backward(input);
  const auto view = plan.gradients();
  return {view.begin(), view.end()};
}

// With dropout; with fewer rows than micro-batches, too.
TEST(PlacedPlan, MicroBatchesComeToTheSameAsTheWholeBatch) {
  const Graph graph = make_model("mnist_cnn", {12, 10, 1}, 10);
  const Batch batch = samples_of(graph, 11, 3);
  const auto one = compile(graph, {.batch_size = 11});
  const auto expected = gradients_of_step(*one, whole(batch));
  one->evaluate(whole(batch));
  std::vector<float> predictions(11 * 10), output(11 * 10);
  one->predict(whole(batch), predictions);
  for (const int micro_batches : {2, 3, 5, 16}) {
    for (const Graph& placed : {place(graph, "max_pooling2d=cpu:1"), scattered(graph)}) {
      const PlanOptions options{.batch_size = 11, .threads = 2, .micro_batches = micro_batches};
      const auto plan = compile(placed, options);
      const auto gradients = gradients_of_step(*plan, whole(batch));
      EXPECT_LT(relative_error(gradients, expected), 2e-6);
      EXPECT_EQ(gradients_of_step(*plan, whole(batch)), gradients);
      plan->reset_metrics();
      plan->forward_backward(whole(batch));
      plan->evaluate(whole(batch));
      EXPECT_NEAR(plan->metrics().loss, one->metrics().loss, 1e-6 * one->metrics().loss);
      EXPECT_EQ(plan->metrics().samples, 22);
      plan->predict(whole(batch), output);
      EXPECT_LT(relative_error(output, predictions), 1e-6);
    }
  }
}

TEST(PlacedPlan, EachMicroBatchIsNormalisedByItself) {
  const Graph graph = with_batch_norm();
  const Batch batch = samples_of(graph, 10, 4);
  std::vector<float> expected;
  for (const std::int64_t first : {0, 3, 6}) {
    StepInput input = whole(batch);
    input.first = input.global_first = first;
    input.rows = first == 6 ? 4 : 3;
    const auto part = gradients_of_step(*compile(graph, {.batch_size = 4}), input);
    expected.resize(part.size());
    for (std::size_t i = 0; i < part.size(); ++i) expected[i] += part[i];
  }
  const auto plan = compile(scattered(graph), {.batch_size = 10, .micro_batches = 3});
  EXPECT_LT(relative_error(gradients_of_step(*plan, whole(batch)), expected), 2e-6);
  // The moving statistics are those of the last four rows.
  const auto of_four = compile(graph, {.batch_size = 4});
  StepInput four = whole(batch);
  four.first = 6;
  four.rows = 4;
  of_four->forward_backward(four);
  for (Plan* each : {plan.get(), of_four.get()}) each->update(0, 1);
  expect_same(plan->parameters(), of_four->parameters(), 1e-6);
}

TEST(PlacedPlan, ADeviceGoesOnToTheNextMicroBatchWhileAnotherIsAtTheOneBefore) {
  const Graph graph = place(make_model("mnist_cnn", {12, 10, 1}, 10), "dense=cpu:1");
  const Batch batch = samples_of(graph, 8, 1);
  const auto plan = compile(graph, {.batch_size = 8, .micro_batches = 4});
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, int> begun, over;
  bool met = true;
  plan->set_device_listener([&](const Plan::DeviceTurn& turn) {
    std::unique_lock lock(mutex);
    ++(turn.is_over ? over : begun)[turn.device];
    changed.notify_all();
    // The second device's first turn does not end before the first device's second has begun.
    if (turn.device != "cpu:1" || turn.is_over) return;
    met = changed.wait_for(lock, std::chrono::seconds(60), [&] { return begun["cpu:0"] >= 2; }) &&
          met;
  });
  plan->forward_backward(whole(batch));
  EXPECT_TRUE(met);
  EXPECT_EQ(begun["cpu:0"], 8);  // forward and backward
  EXPECT_EQ(begun["cpu:1"], 4);  // both in one
  EXPECT_EQ(over, begun);
}

TEST(PlacedPlan, OneDeviceIsAPlanWithoutTurns) {
  Graph graph = make_model("mnist_cnn", {12, 10, 1}, 10);
  const Batch batch = samples_of(graph, 4, 1);
  graph = place(graph, "conv2d=cpu:3");
  const auto plan = compile(graph, {.batch_size = 4});
  plan->set_device_listener([](const Plan::DeviceTurn&) { FAIL(); });
  plan->forward_backward(whole(batch));
  EXPECT_EQ(plan->metrics().samples, 4);
}

TEST(PlacedPlan, ListenersHearOfEachGradientOnceAndInOrder) {
  const Graph graph = scattered(make_model("mini_googlenet", {32, 32, 3}, 10));
  const Batch batch = samples_of(graph, 4, 1);
  const auto plan = compile(graph, {.batch_size = 4});
  std::vector<float> seen;
  int calls = 0;
  plan->set_gradient_listener([&](std::size_t first, std::size_t last) {
    EXPECT_EQ(first, seen.size());
    ++calls;
    const auto gradients = plan->gradients();
    seen.insert(seen.end(), gradients.begin() + static_cast<std::ptrdiff_t>(first),
                gradients.begin() + static_cast<std::ptrdiff_t>(last));
  });
  plan->forward_backward(whole(batch));
  EXPECT_GT(calls, 5);
  const auto gradients = plan->gradients();
  EXPECT_EQ(seen, std::vector<float>(gradients.begin(), gradients.end()));
}

// As if there were two replicas with the same rows: their statistics are these rows'.
TEST(PlacedPlan, StatisticsOfAllReplicasAreAddedUpInOneOrder) {
  const Graph graph = with_batch_norm();
  const Batch batch = samples_of(graph, 8, 2);
  const auto sizes_with = [&](const Graph& placed) {
    std::vector<std::size_t> sizes;
    const auto caller = std::this_thread::get_id();
    const auto reducer = [&](std::span<float> values) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      sizes.push_back(values.size());
      for (float& value : values) value *= 2;
    };
    const auto gradients =
        gradients_of(placed, {.batch_size = 8, .threads = 3}, whole(batch), reducer);
    return std::pair(sizes, gradients);
  };
  const auto [one, expected] = sizes_with(graph);
  const auto [several, gradients] = sizes_with(scattered(graph));
  EXPECT_EQ(several.size(), one.size());
  EXPECT_FALSE(several.empty());
  expect_same(gradients, expected, 2e-6);
  EXPECT_EQ(sizes_with(scattered(graph)).first, several);
}

TEST(PlacedPlan, AStopOrABadBatchEndsTheStepOnAllDevices) {
  const Graph graph = tutorial(6, 4, true);
  const Batch batch = samples_of(graph, 4, 1);
  const auto plan = compile(graph, yes_or_no(4));
  std::atomic<bool> stop = true;
  plan->set_stop_flag(&stop);
  EXPECT_THAT([&] { plan->forward_backward(whole(batch)); },
              throws_error(ErrorCode::cancelled, HasSubstr("stopped")));
  stop = false;
  const Graph other = make_model("mnist_cnn", {12, 10, 1}, 10);
  const Batch wrong = samples_of(other, 4, 1);
  EXPECT_THAT([&] { plan->forward_backward(whole(wrong)); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("no field")));
  EXPECT_EQ(plan->metrics().samples, 0);
  plan->forward_backward(whole(batch));
  EXPECT_EQ(plan->metrics().samples, 4);
}

TEST(PlacedPlan, AveragesAndMemoryAreThoseOfAnyPlan) {
  const Graph graph = scattered(with_batch_norm());
  const Batch batch = samples_of(graph, 8, 2);
  PlanOptions options{.batch_size = 8};
  options.optimizer = Sgd{.update = {.use_ema = true, .ema_momentum = 0.5}};
  const auto plan = compile(graph, options);
  for (std::uint64_t step = 1; step <= 2; ++step) {
    plan->forward_backward(whole(batch));
    plan->update(0.1, step);
  }
  const std::size_t bytes = plan->memory_bytes();
  const auto output = [&] {
    std::vector<float> values(8 * 3);
    plan->predict(whole(batch), values);
    return values;
  };
  const auto trained = output();
  plan->swap_averages();
  EXPECT_NE(output(), trained);
  plan->swap_averages();
  EXPECT_EQ(output(), trained);
  plan->forward_backward(whole(batch));
  EXPECT_EQ(plan->memory_bytes(), bytes);
}

TEST(PlacedPlan, FindsWhatIsNotFinite) {
  const Graph graph = tutorial(6, 4, true);
  const Batch batch = samples_of(graph, 4, 1);
  const auto plan = compile(graph, yes_or_no(4));
  EXPECT_EQ(plan->find_non_finite(whole(batch)), "");
  auto parameters = plan->parameters();
  parameters.back().values[0] = std::numeric_limits<float>::infinity();
  plan->set_parameters(parameters);
  EXPECT_EQ(plan->find_non_finite(whole(batch)), "the parameter dense/bias");
}

TEST(PlacedPlan, ADeviceThatIsNotThereIsNamedWithTheLayerAndAWayOut) {
  const Graph graph = place(make_model("mnist_cnn", {12, 10, 1}, 10), "dense=gpu:0");
  EXPECT_THAT(
      [&] { make_cpu_backend()->compile(graph, {}); },
      throws_error(ErrorCode::unsupported, AllOf(HasSubstr("layer dense is placed on gpu:0"),
                                                 HasSubstr("place it on cpu:0, or nowhere"))));
}

}  // namespace
}  // namespace headrace
