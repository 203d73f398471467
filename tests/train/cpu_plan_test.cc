#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>

#include "../support/error_matcher.h"
#include "cpu_plans.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/reference/reference_optimizer.h"
#include "reference_samples.h"
#include "test_batch.h"
#include "test_models.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CpuPlan : public ::testing::TestWithParam<TestModel> {
 protected:
  const Graph& graph() const { return GetParam().graph; }
  reference::Result reference_step(const reference::Samples& samples, bool training) const {
    reference::Model model(graph());
    model.set_parameters(random_parameters(graph()));
    return model.step(samples, training ? std::optional(DropoutStep{5, 6}) : std::nullopt);
  }
  Batch batch(const reference::Samples& samples, LabelForm labels) const {
    return make_test_batch(samples, graph().shape(0), labels);
  }
};

TEST_P(CpuPlan, OutputAgreesWithTheReference) {
  for (int threads : {1, 3}) {
    const auto samples = random_samples(graph(), 13, false, 21);
    const Batch images = batch(samples, LabelForm::sparse);
    const auto plan = compile(graph(), {.batch_size = 13, .threads = threads, .training = false});
    std::vector<float> output(samples.targets.size());
    plan->predict(whole(images), output);
    EXPECT_LT(relative_error(output, reference_step(samples, false).output), 1e-5);
  }
}

TEST_P(CpuPlan, LossAccuracyAndGradientsAgreeWithTheReference) {
  for (int threads : {1, 2}) {
    for (LabelForm form : {LabelForm::sparse, LabelForm::one_hot}) {
      const auto samples = random_samples(graph(), 21, form == LabelForm::one_hot, 22);
      const Batch images = batch(samples, form);
      const PlanOptions options{.batch_size = 21, .threads = threads};
      const auto expected = reference_step(samples, true);

      const auto plan = compile(graph(), options);
      plan->forward_backward(whole(images));
      EXPECT_NEAR(plan->metrics().loss, expected.metrics.loss, 1e-5 * expected.metrics.loss);
      EXPECT_EQ(plan->metrics().correct, expected.metrics.correct);
      EXPECT_EQ(plan->metrics().samples, 21);

      const auto gradients = gradients_of(graph(), options, whole(images));
      ASSERT_EQ(gradients.size(), expected.gradients.size());
      for (std::size_t p = 0; p < gradients.size(); ++p) {
        EXPECT_LT(relative_error(gradients[p].values, expected.gradients[p]), 1e-5)
            << gradients[p].name << " with " << threads << " threads";
      }
    }
  }
}

TEST_P(CpuPlan, PartsOfABatchAddUpToTheWhole) {
  const auto samples = random_samples(graph(), 11, false, 23);
  const Batch images = batch(samples, LabelForm::sparse);
  const PlanOptions options{.batch_size = 11};
  const auto expected = gradients_of(graph(), options, whole(images));

  auto sum = expected;
  for (auto& tensor : sum) std::fill(tensor.values.begin(), tensor.values.end(), 0.0f);
  for (const auto& [first, rows] : {std::pair{0, 4}, {4, 0}, {4, 7}}) {
    StepInput part = whole(images);
    part.first = part.global_first = first;
    part.rows = rows;
    const auto gradients = gradients_of(graph(), options, part);
    for (std::size_t p = 0; p < sum.size(); ++p) {
      for (std::size_t i = 0; i < sum[p].values.size(); ++i) {
        sum[p].values[i] += gradients[p].values[i];
      }
    }
  }
  for (std::size_t p = 0; p < sum.size(); ++p) {
    EXPECT_LT(relative_error(sum[p].values, expected[p].values), 1e-5) << sum[p].name;
  }
}

TEST_P(CpuPlan, TheSameCallGivesTheSameBits) {
  const auto samples = random_samples(graph(), 9, false, 24);
  const Batch images = batch(samples, LabelForm::sparse);
  for (int threads : {1, 2}) {
    const auto plan = compile(graph(), {.batch_size = 9, .threads = threads});
    plan->forward_backward(whole(images));
    const auto view = plan->gradients();
    const std::vector<float> first(view.begin(), view.end());
    plan->forward_backward(whole(images));
    EXPECT_TRUE(std::equal(first.begin(), first.end(), plan->gradients().begin()));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, CpuPlan, ::testing::ValuesIn(test_models()),
                         [](const auto& test) { return test.param.name; });

Graph small_model() { return make_model("mnist_cnn", {12, 10, 1}, 10); }

class CpuPlanOptimizer : public ::testing::TestWithParam<Optimizer> {};

TEST_P(CpuPlanOptimizer, ThreeStepsAgreeWithTheReference) {
  const Graph graph = small_model();
  for (int threads : {1, 2}) {
    reference::Model model(graph);
    model.set_parameters(random_parameters(graph));
    std::vector<std::vector<reference::Values>> slots;
    for (const auto& parameter : model.parameters()) {
      slots.emplace_back(static_cast<std::size_t>(state_slots(GetParam())),
                         reference::Values(parameter.size(), 0.0));
    }
    const auto plan =
        compile(graph, {.batch_size = 16, .threads = threads, .optimizer = GetParam()});
    for (int t = 1; t <= 3; ++t) {
      // Step sizes of Adam are sensitive where gradients are near zero: a batch of some size.
      const auto samples = random_samples(graph, 16, false, static_cast<std::uint64_t>(30 + t));
      const Batch images = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
      const auto result = model.step(samples);
      for (std::size_t p = 0; p < slots.size(); ++p) {
        reference::update(GetParam(), t, result.gradients[p], model.parameters()[p], slots[p]);
      }
      plan->forward_backward(whole(images));
      plan->update(learning_rate(GetParam()), static_cast<std::uint64_t>(t));
    }
    const auto trained = plan->parameters();
    for (std::size_t p = 0; p < trained.size(); ++p) {
      EXPECT_LT(relative_error(trained[p].values, model.parameters()[p]), 1e-4) << trained[p].name;
    }
    const auto state = plan->optimizer_state();
    ASSERT_EQ(state.size(), trained.size() * static_cast<std::size_t>(state_slots(GetParam())));
    for (std::size_t i = 0; i < state.size(); ++i) {
      const std::size_t slot = i / trained.size(), p = i % trained.size();
      EXPECT_EQ(state[i].name, trained[p].name + "/slot" + std::to_string(slot));
      EXPECT_LT(relative_error(state[i].values, slots[p][slot]), 1e-4) << state[i].name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, CpuPlanOptimizer,
                         ::testing::Values(Optimizer(Sgd{}), Optimizer(Sgd{.momentum = 0.9}),
                                           Optimizer(Sgd{.momentum = 0.9, .nesterov = true}),
                                           Optimizer(Adam{}), Optimizer(RmsProp{}),
                                           Optimizer(RmsProp{.momentum = 0.5})));

TEST(CpuPlanState, GoesOutAndComesBackExactly) {
  const Graph graph = small_model();
  const auto samples = random_samples(graph, 8, false, 1);
  const Batch images = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const PlanOptions options{.batch_size = 8, .optimizer = Adam{}};
  const auto one = compile(graph, options);
  one->forward_backward(whole(images));
  one->update(0.001, 1);
  const auto other = compile(graph, options);
  other->set_parameters(one->parameters());
  other->set_optimizer_state(one->optimizer_state());
  for (const auto& plan : {one.get(), other.get()}) {
    plan->forward_backward(whole(images));
    plan->update(0.001, 2);
  }
  const auto a = one->parameters(), b = other->parameters();
  for (std::size_t p = 0; p < a.size(); ++p) EXPECT_EQ(a[p].values, b[p].values);
}

TEST(CpuPlanState, ForeignTensorsAreNamedAndNothingIsChanged) {
  const Graph graph = small_model();
  const auto plan = compile(graph, {.optimizer = Adam{}});
  const auto good = plan->parameters();
  const auto refuse = [&](const std::vector<NamedTensor>& tensors, const char* message) {
    EXPECT_THAT([&] { plan->set_parameters(tensors); },
                throws_error(ErrorCode::invalid_argument, HasSubstr(message)));
    EXPECT_EQ(plan->parameters()[0].values, good[0].values);
  };
  auto bad = good;
  for (float& value : bad[0].values) value = 7;
  bad.pop_back();
  refuse(bad, "no values are given for dense/bias");
  bad.push_back({"dense_9/bias", {10}, std::vector<float>(10)});
  refuse(bad, "no parameter for dense_9/bias");
  bad.back() = {"dense/bias", {11}, std::vector<float>(11)};
  refuse(bad, "dense/bias is (11), but the model has (10)");

  auto state = plan->optimizer_state();
  state[0].name = "conv2d/kernel/slot5";
  EXPECT_THAT([&] { plan->set_optimizer_state(state); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("conv2d/kernel/slot5")));
  EXPECT_THAT([&] { compile(graph, {.optimizer = Sgd{}})->set_optimizer_state(state); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("another optimizer")));
}

TEST(CpuPlanBatch, BytesAreReadAsNumbers) {
  const Graph graph = small_model();
  auto samples = random_samples(graph, 20, false, 2);
  for (double& value : samples.inputs[0]) value = std::floor(std::abs(value) * 60);
  const Batch bytes = make_test_batch(samples, graph.shape(0), LabelForm::sparse, true);
  const Batch floats = make_test_batch(samples, graph.shape(0), LabelForm::sparse, false);
  const auto plan = compile(graph, {.batch_size = 20, .threads = 2});
  plan->forward_backward(whole(floats));
  const auto view = plan->gradients();
  const std::vector<float> expected(view.begin(), view.end());
  plan->forward_backward(whole(bytes));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), plan->gradients().begin()));
}

TEST(CpuPlanBatch, WhatDoesNotFitTheModelIsNamed) {
  const Graph graph = small_model();
  const auto samples = random_samples(graph, 4, false, 2);
  const auto plan = compile(graph, {.batch_size = 4});
  const auto refuse = [&](const Batch& batch, auto message) {
    EXPECT_THAT([&] { plan->forward_backward(whole(batch)); },
                throws_error(ErrorCode::invalid_argument, message));
  };
  refuse(make_test_batch(samples, {10, 12, 1}, LabelForm::sparse),
         AllOf(HasSubstr("field image is f32 (10, 12, 1)"), HasSubstr("(12, 10, 1)")));
  refuse(make_test_batch(samples, graph.shape(0), LabelForm::sparse, false, "class"),
         HasSubstr("label"));
  auto fewer = samples;
  fewer.targets.resize(4 * 7);
  refuse(make_test_batch(fewer, graph.shape(0), LabelForm::one_hot),
         AllOf(HasSubstr("field label is f32 (7)"), HasSubstr("f32 (10)")));
  auto more = random_samples(graph, 4, false, 2);
  more.targets.assign(4 * 12, 0.0);
  for (std::size_t row = 0; row < 4; ++row) more.targets[row * 12 + (row == 2 ? 11 : 0)] = 1.0;
  refuse(make_test_batch(more, graph.shape(0), LabelForm::sparse),
         AllOf(HasSubstr("row 2"), HasSubstr("label 11"), HasSubstr("0 to 9")));
  refuse(make_test_batch(random_samples(graph, 5, false, 2), graph.shape(0), LabelForm::sparse),
         HasSubstr("at most 4 rows, not 5"));
}

TEST(CpuPlanOptions, AModelThatFitsNoLossIsRefused) {
  ModelBuilder b;
  b.dense(b.input({4}), 3);
  const auto backend = make_cpu_backend();
  EXPECT_THAT([&] { backend->compile(b.build(), {}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("ends in softmax")));
  EXPECT_NO_THROW(backend->compile(b.build(), {.loss = {.from_logits = true}}));
  EXPECT_NO_THROW(backend->compile(b.build(), {.training = false}));
  EXPECT_THAT([&] { backend->compile(small_model(), {.loss = {.from_logits = true}}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("leave from_logits off")));
  EXPECT_THAT([&] { backend->compile(small_model(), {.threads = 0}); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("1 thread")));
}

TEST(CpuPlanOptions, ThePlanOutlivesItsGraphAndBackend) {
  std::unique_ptr<Plan> plan;
  reference::Samples samples;
  {
    const Graph graph = small_model();
    samples = random_samples(graph, 6, false, 1);
    plan = compile(graph, {.batch_size = 6});
  }
  const Batch images = make_test_batch(samples, {12, 10, 1}, LabelForm::sparse);
  plan->forward_backward(whole(images));
  plan->update(0.01, 1);
  EXPECT_EQ(plan->metrics().samples, 6);
}

TEST(CpuPlanOptions, LogitsAndSoftmaxTrainAlike) {
  ModelBuilder logits, softmax;
  logits.dense(logits.input({6}), 4);
  softmax.dense(softmax.input({6}), 4, {.activation = "softmax"});
  const auto samples = random_samples(logits.build(), 5, false, 3);
  const Batch batch = make_test_batch(samples, {6}, LabelForm::sparse);
  const auto a = compile(logits.build(), {.loss = {.from_logits = true}});
  const auto b = compile(softmax.build(), {});
  a->forward_backward(whole(batch));
  b->forward_backward(whole(batch));
  EXPECT_TRUE(std::equal(a->gradients().begin(), a->gradients().end(), b->gradients().begin()));
  EXPECT_EQ(a->metrics().loss, b->metrics().loss);
}

TEST(CpuPlanDropout, DoesNotDependOnSlicesAndIsOffInEvaluation) {
  ModelBuilder b;
  b.dense(b.dropout(b.input({40}), 0.5), 4, {.activation = "softmax"});
  const auto samples = random_samples(b.build(), 30, false, 3);
  const Batch batch = make_test_batch(samples, {40}, LabelForm::sparse);
  const auto one = compile(b.build(), {.batch_size = 30, .threads = 1});
  const auto three = compile(b.build(), {.batch_size = 30, .threads = 3});
  one->forward_backward(whole(batch));
  three->forward_backward(whole(batch));
  const double dropped = one->metrics().loss;
  EXPECT_NEAR(three->metrics().loss, dropped, 1e-6 * dropped);
  EXPECT_LT(relative_error(three->gradients(), one->gradients()), 1e-5);
  one->reset_metrics();
  one->evaluate(whole(batch));
  EXPECT_GT(std::abs(one->metrics().loss - dropped), 1e-3);
  StepInput later = whole(batch);
  later.step += 1;
  one->reset_metrics();
  one->forward_backward(later);
  EXPECT_NE(one->metrics().loss, dropped);
}

TEST(CpuPlanStop, AStopFlagAbandonsTheStepAndCountsNothing) {
  const Graph graph = small_model();
  const auto samples = random_samples(graph, 8, false, 1);
  const Batch images = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  for (int threads : {1, 2}) {
    const auto plan = compile(graph, {.batch_size = 8, .threads = threads});
    std::atomic<bool> stop = true;
    plan->set_stop_flag(&stop);
    EXPECT_THAT([&] { plan->forward_backward(whole(images)); },
                throws_error(ErrorCode::cancelled, HasSubstr("stopped")));
    EXPECT_EQ(plan->metrics().samples, 0);
    stop = false;
    plan->forward_backward(whole(images));
    EXPECT_EQ(plan->metrics().samples, 8);
  }
}

TEST(CpuPlanWeights, ARowCountsAsMuchAsItsWeightSays) {
  const Graph graph = small_model();
  for (const LabelForm form : {LabelForm::sparse, LabelForm::one_hot}) {
    const auto samples = random_samples(graph, 8, form == LabelForm::one_hot, 1);
    const Batch plain = make_test_batch(samples, graph.shape(0), form);
    StepInput few = whole(plain);
    few.rows = 3;
    const Batch weighted =
        make_test_batch(samples, graph.shape(0), form, false, "label", {2, 2, 2, 0, 0, 0, 0, 0});
    const PlanOptions options{.batch_size = 8, .threads = 2};
    const auto expected = gradients_of(graph, options, few);
    const auto gradients = gradients_of(graph, options, whole(weighted));
    for (std::size_t p = 0; p < gradients.size(); ++p) {
      auto twice = expected[p].values;
      for (float& value : twice) value *= 2;
      EXPECT_LT(relative_error(gradients[p].values, twice), 1e-5) << gradients[p].name;
    }
    const auto plan = compile(graph, options), part = compile(graph, options);
    plan->evaluate(whole(weighted));
    part->evaluate(few);
    EXPECT_NEAR(plan->metrics().loss, 2 * part->metrics().loss, 1e-5 * plan->metrics().loss);
    EXPECT_EQ(plan->metrics().samples, 8);
  }
}

TEST(CpuPlanListener, IsToldOfEachGradientOnce) {
  const Graph graph = small_model();
  const auto samples = random_samples(graph, 8, false, 1);
  const Batch images = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const auto plan = compile(graph, {.batch_size = 8, .threads = 2});
  std::vector<float> seen;
  plan->set_gradient_listener([&](std::size_t first, std::size_t last) {
    EXPECT_EQ(first, seen.size());
    const auto gradients = plan->gradients();
    seen.insert(seen.end(), gradients.begin() + static_cast<std::ptrdiff_t>(first),
                gradients.begin() + static_cast<std::ptrdiff_t>(last));
  });
  plan->forward_backward(whole(images));
  const auto gradients = plan->gradients();
  EXPECT_EQ(seen, std::vector<float>(gradients.begin(), gradients.end()));
}

TEST(CpuPlanThreads, OneThreadMeansOneThread) {
  const Graph graph = make_model("mnist_cnn", {28, 28, 3}, 10);
  const auto samples = random_samples(graph, 64, false, 1);
  const Batch images = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto plan = compile(graph, {.batch_size = 64, .threads = 1});
  const auto before = threads();
  plan->forward_backward(whole(images));
  plan->update(0.001, 1);
  EXPECT_EQ(threads(), before);
}

TEST(CpuPlanMemory, IsCountedAndDoesNotGrowWithSteps) {
  const Graph graph = small_model();
  const auto samples = random_samples(graph, 32, false, 1);
  const Batch images = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const auto plan = compile(graph, {.batch_size = 32, .threads = 2, .optimizer = Adam{}});
  plan->forward_backward(whole(images));
  const std::size_t bytes = plan->memory_bytes();
  // Parameters, two gradients, two slots of state.
  EXPECT_GE(bytes, 5 * sizeof(float) * static_cast<std::size_t>(graph.parameter_count()));
  plan->forward_backward(whole(images));
  EXPECT_EQ(plan->memory_bytes(), bytes);
}

TEST(CpuBackend, SaysWhatItIs) {
  EXPECT_THAT(make_cpu_backend()->name(), ::testing::MatchesRegex("cpu \\(oneDNN 2\\..*\\)"));
}

}  // namespace
}  // namespace headrace
