// A plan for a GPU beside the CPU's: steps, optimizers, losses, metrics, state. The host stands in
// for the GPU.
#include "headrace/train/gpu/gpu_plan.h"

#include <gtest/gtest.h>

#include <numeric>

#include "../support/error_matcher.h"
#include "gpu_plans.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/trainer.h"
#include "host_engine.h"
#include "layer_models.h"
#include "reference_samples.h"
#include "test_batch.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

Graph small_model(const std::string& end = "softmax", std::int64_t outputs = 3) {
  ModelBuilder b;
  auto x = b.conv2d(b.input({7, 6, 3}), 8, 3, {.activation = "relu"});
  x = b.activation(b.batch_normalization(b.conv2d(x, 8, 3)), "relu");
  x = b.dropout(b.flatten(x), 0.4);
  if (end.empty()) return b.build(b.dense(x, outputs));
  return b.build(b.dense(x, outputs, {.activation = end}));
}

struct Pair {
  std::shared_ptr<HostEngine> engine = std::make_shared<HostEngine>();
  EngineBackend gpu{engine};
  std::unique_ptr<Backend> cpu = make_cpu_backend();
};

// Plans of several threads.
class EnginePerPlan final : public Backend {
 public:
  std::string name() const override { return "host"; }
  std::unique_ptr<Plan> compile(const Graph& graph, const PlanOptions& options) override {
    return EngineBackend(std::make_shared<HostEngine>()).compile(graph, options);
  }
};

// Largest difference between two lists of tensors.
double difference(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  double most = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].shape, b[i].shape);
    for (std::size_t k = 0; k < a[i].values.size(); ++k) {
      most = std::max(most, std::abs(static_cast<double>(a[i].values[k]) - b[i].values[k]));
    }
  }
  return most;
}

void expect_same_training(const Graph& graph, const PlanOptions& options, LabelForm labels,
                          double tolerance = 2e-5, const std::vector<float>& weights = {}) {
  Pair pair;
  const auto gpu = compile_on(pair.gpu, graph, options);
  const auto cpu = compile_on(*pair.cpu, graph, options);
  for (std::uint64_t step = 0; step < 4; ++step) {
    const auto samples = random_samples(graph, 9, labels == LabelForm::one_hot, 40 + step);
    const Batch batch = make_test_batch(samples, graph.shape(0), labels, false, "label", weights);
    StepInput input = whole(batch);
    if (step == 2) input.rows = 5;  // a share, of a larger batch
    input.step = step;
    for (Plan* plan : {gpu.get(), cpu.get()}) {
      plan->forward_backward(input);
      plan->update(0.01, step + 1);
    }
  }
  EXPECT_LT(difference(gpu->parameters(), cpu->parameters()), tolerance);
  EXPECT_LT(difference(gpu->optimizer_state(), cpu->optimizer_state()), tolerance);
  const MetricSums a = gpu->metrics(), b = cpu->metrics();
  EXPECT_NEAR(a.loss, b.loss, 1e-4 * std::abs(b.loss));
  EXPECT_EQ(a.correct, b.correct);
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.top_k_correct, b.top_k_correct);
  EXPECT_EQ(a.confusion, b.confusion);
}

TEST(GpuPlan, TrainsAsTheCpuDoesWithEveryOptimizer) {
  const std::vector<Optimizer> optimizers{
      Sgd{},
      Sgd{.momentum = 0.9},
      Sgd{.momentum = 0.9, .nesterov = true, .weight_decay = 0.1},
      Adam{.epsilon = 1e-3},
      AdamW{.epsilon = 1e-3, .update = {.exclude_from_weight_decay = {"bias"}}},
      RmsProp{.epsilon = 1e-3},
      RmsProp{.momentum = 0.5, .epsilon = 1e-3, .centered = true}};
  for (const Optimizer& optimizer : optimizers) {
    SCOPED_TRACE(std::string(name(optimizer)));
    expect_same_training(small_model(), {.batch_size = 9, .optimizer = optimizer},
                         LabelForm::sparse);
  }
}

TEST(GpuPlan, RowsCountAsMuchAsTheirWeightsSay) {
  expect_same_training(small_model(), {.batch_size = 9}, LabelForm::sparse, 2e-5,
                       {1, 0, 2, 0.5, 3, 1, 0, 0, 4});
}

// Moving statistics are the mean over replicas, one of which has fewer rows, and one none.
TEST(GpuPlan, ReplicasTrainAsThoseOfTheCpuDo) {
  const Graph graph = small_model();
  const auto samples = random_samples(graph, 7, false, 40);
  const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const auto train = [&](Backend& backend) {
    TrainerOptions options;
    options.batch_size = 8;
    options.replicas = 3;
    options.threads = 3;
    options.optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9};
    Trainer trainer(graph, options, backend);
    for (int step = 0; step < 3; ++step) trainer.train_step(batch);
    trainer.train_step(
        make_test_batch(random_samples(graph, 2, false, 41), graph.shape(0), LabelForm::sparse));
    return trainer.parameters();
  };
  EnginePerPlan gpu;
  const auto expected = train(*make_cpu_backend());
  EXPECT_LT(difference(train(gpu), expected), 2e-5);
}

TEST(GpuPlan, SynchronisedStatisticsAreRefusedByName) {
  ModelBuilder b;
  const auto x = b.batch_normalization(b.input({4, 4, 2}), {.synchronized = true});
  const Graph graph = b.build(b.dense(b.flatten(x), 3, {.activation = "softmax"}));
  Pair pair;
  const auto plan = compile_on(pair.gpu, graph, {.batch_size = 4});
  EXPECT_THAT([&] { plan->set_statistics_reducer([](std::span<float>) {}); },
              throws_error(ErrorCode::unsupported, HasSubstr("batch_normalization")));
}

TEST(GpuPlan, ClipsAndAveragesAsTheCpuDoes) {
  const std::vector<UpdateOptions> all{
      {.clipvalue = 0.01},
      {.clipnorm = 0.05},
      {.global_clipnorm = 0.1},
      {.use_ema = true, .ema_momentum = 0.7},
      {.use_ema = true, .ema_momentum = 0.7, .ema_overwrite_frequency = 2}};
  for (const UpdateOptions& update : all) {
    expect_same_training(small_model(),
                         {.batch_size = 9, .optimizer = Sgd{.momentum = 0.9, .update = update}},
                         LabelForm::sparse);
  }
}

TEST(GpuPlan, LossesAndMetricsAreTheCpus) {
  PlanOptions options{.batch_size = 9, .optimizer = Sgd{}};
  options.metrics = {.top_k = 2, .confusion = true};
  expect_same_training(small_model(), options, LabelForm::sparse);
  expect_same_training(small_model(), options, LabelForm::one_hot);
  options.loss.label_smoothing = 0.1;
  expect_same_training(small_model(), options, LabelForm::sparse);
  options.loss.from_logits = true;
  expect_same_training(small_model(""), options, LabelForm::sparse);
  options.metrics = {};
  options.loss = {.kind = LossKind::binary_crossentropy};
  expect_same_training(small_model("sigmoid"), options, LabelForm::one_hot);
  expect_same_training(small_model("sigmoid", 2), options, LabelForm::one_hot);
  options.loss = {.kind = LossKind::mean_squared_error};
  expect_same_training(small_model("tanh"), options, LabelForm::one_hot);
  options.loss.kind = LossKind::own;
  options.loss.own = [](const LossRows& rows) {
    for (std::size_t i = 0; i < rows.gradient.size(); ++i) rows.gradient[i] = rows.output[i];
    return std::accumulate(rows.output.begin(), rows.output.end(), 0.0);
  };
  expect_same_training(small_model("tanh"), options, LabelForm::one_hot);
}

TEST(GpuPlan, ParametersAndStateGoOverToTheCpuAndBack) {
  const Graph graph = small_model();
  const PlanOptions options{.batch_size = 9, .optimizer = Adam{.epsilon = 1e-3}};
  Pair pair;
  const auto samples = random_samples(graph, 9, false, 3);
  const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const auto first = compile_on(pair.gpu, graph, options);
  first->forward_backward(whole(batch));
  first->update(0.01, 1);
  const auto cpu = pair.cpu->compile(graph, options);
  cpu->set_parameters(first->parameters());
  cpu->set_optimizer_state(first->optimizer_state());
  const auto second = pair.gpu.compile(graph, options);
  second->set_parameters(cpu->parameters());
  second->set_optimizer_state(cpu->optimizer_state());
  EXPECT_EQ(difference(first->parameters(), second->parameters()), 0);
  EXPECT_EQ(difference(first->optimizer_state(), second->optimizer_state()), 0);
  std::vector<float> here(27), there(27);
  second->predict(whole(batch), here);
  cpu->predict(whole(batch), there);
  for (std::size_t i = 0; i < here.size(); ++i) EXPECT_NEAR(here[i], there[i], 1e-5);
  second->evaluate(whole(batch));
  cpu->evaluate(whole(batch));
  EXPECT_NEAR(second->metrics().loss, cpu->metrics().loss, 1e-4);
}

TEST(GpuPlan, BytesAreTakenAsTheirValues) {
  const Graph graph = small_model();
  auto samples = random_samples(graph, 5, false, 7);
  for (double& value : samples.inputs[0]) value = std::floor(std::abs(value) * 50);
  const Batch bytes = make_test_batch(samples, graph.shape(0), LabelForm::sparse, true);
  const Batch floats = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  Pair pair;
  for (const Precision precision : {Precision::f32, Precision::tf32, Precision::bf16}) {
    const auto plan =
        compile_on(pair.gpu, graph, {.batch_size = 5, .training = false, .precision = precision});
    std::vector<float> one(15), other(15);
    plan->predict(whole(bytes), one);
    plan->predict(whole(floats), other);
    EXPECT_EQ(one, other);
  }
}

TEST(GpuPlan, AStepIsRecordedOnceForEachNumberOfRows) {
  const Graph graph = small_model();
  Pair pair;
  const auto plan = compile_on(pair.gpu, graph, {.batch_size = 9});
  const auto samples = random_samples(graph, 9, false, 3);
  const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  for (std::uint64_t step = 1; step < 4; ++step) {
    plan->forward_backward(whole(batch));
    plan->update(0.01, step);
  }
  EXPECT_EQ(pair.engine->recorded, 2);  // forward and backward, and the update
  StepInput tail = whole(batch);
  tail.rows = 4;
  plan->forward_backward(tail);
  plan->forward_backward(tail);
  EXPECT_EQ(pair.engine->recorded, 3);
}

TEST(GpuPlan, GradientsThatWereAddedUpOnTheHostCount) {
  const Graph graph = small_model();
  Pair pair;
  const auto plan = compile_on(pair.gpu, graph, {.batch_size = 9, .optimizer = Sgd{}});
  const auto before = plan->parameters();
  const auto samples = random_samples(graph, 9, false, 3);
  const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const auto view = plan->gradients();
  std::size_t told = 0;
  plan->set_gradient_listener([&](std::size_t, std::size_t last) { told = last; });
  plan->forward_backward(whole(batch));
  EXPECT_EQ(told, view.size());
  EXPECT_TRUE(std::any_of(view.begin(), view.end(), [](float g) { return g != 0; }));
  std::fill(view.begin(), view.end(), 0.0f);
  plan->update(0.5, 1);
  const auto after = plan->parameters();
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].name.find("moving") == std::string::npos) {
      EXPECT_EQ(before[i].values, after[i].values) << before[i].name;
    }
  }
}

// Who adds them up on the device hears of parts of them while others are still to be made.
TEST(GpuPlan, GradientsOnTheDeviceAreFinalWhenTheyAreToldOf) {
  ModelBuilder b;
  auto x = b.flatten(b.input({5, 4, 3}));
  for (const int units : {1100, 1000, 1100}) x = b.dense(x, units, {.activation = "tanh"});
  const Graph graph = b.build(b.dense(x, 3, {.activation = "softmax"}));
  Pair pair;
  const auto plan = compile_on(pair.gpu, graph, {.batch_size = 2, .optimizer = Sgd{}});
  const auto samples = random_samples(graph, 2, false, 3);
  const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  plan->forward_backward(whole(batch));
  const auto view = plan->device_gradients();
  const std::vector<float> expected(view.begin(), view.end());
  std::size_t told = 0;
  int times = 0;
  plan->set_gradient_listener([&](std::size_t first, std::size_t last) {
    EXPECT_EQ(first, told);
    EXPECT_TRUE(std::equal(view.begin() + static_cast<std::ptrdiff_t>(first),
                           view.begin() + static_cast<std::ptrdiff_t>(last),
                           expected.begin() + static_cast<std::ptrdiff_t>(first)));
    told = last;
    ++times;
  });
  for (int step = 0; step < 2; ++step) {
    std::fill(view.begin(), view.end(), NAN);
    told = 0;
    plan->forward_backward(whole(batch));
    EXPECT_EQ(told, view.size());
  }
  EXPECT_EQ(times, 2 * 3);
}

TEST(GpuPlan, APartOfTheWayBackLeavesWhatIsFinal) {
  auto models = layer_models();
  models.push_back({"mini_googlenet", make_model("mini_googlenet", {32, 32, 3}, 10)});
  for (const TestModel& model : models) {
    const cpu::ParameterArena arena(model.graph, cpu::ParameterArena::Layout::images_by_filter);
    const auto program =
        gpu::make_program(model.graph, arena, true, cpu::FusedEnd::none, Precision::f32);
    for (const std::size_t least : {std::size_t{1}, std::size_t{5000}}) {
      std::size_t step = program.steps.size(), final = 0;
      for (const gpu::BackwardPart& part : gpu::backward_parts(program, arena, least)) {
        EXPECT_EQ(part.last, step) << model.name;
        EXPECT_LT(part.first, part.last);
        EXPECT_GE(part.final, part.first == 0 ? final : final + least);
        step = part.first;
        final = part.final;
        for (std::size_t before = 0; before < step; ++before) {
          const gpu::Program::Step& one = program.steps[before];
          if (!one.has_backward) continue;
          EXPECT_GE(arena.end(one.layer + 1), final) << model.name;
        }
      }
      EXPECT_EQ(step, 0u);
      EXPECT_EQ(final, arena.size()) << model.name;
    }
  }
}

TEST(GpuPlan, AnEmptyShareHasNoGradientAndMovesNoStatistics) {
  const Graph graph = small_model();
  Pair pair;
  const auto plan = compile_on(pair.gpu, graph, {.batch_size = 9, .optimizer = Sgd{}});
  const auto before = plan->parameters();
  const auto samples = random_samples(graph, 9, false, 3);
  const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  StepInput none = whole(batch);
  none.rows = 0;
  plan->forward_backward(none);
  plan->update(0.5, 1);
  EXPECT_EQ(difference(before, plan->parameters()), 0);
  EXPECT_EQ(plan->metrics().samples, 0);
}

TEST(GpuPlan, WhatDoesNotFitSaysWhichBatchWould) {
  const Graph graph = small_model();
  const auto compile_with = [&](std::size_t memory, std::int64_t rows) {
    EngineBackend backend(std::make_shared<HostEngine>(memory));
    return backend.compile(graph, {.batch_size = rows})->memory_bytes();
  };
  const std::size_t needed = compile_with(1 << 30, 64);
  EXPECT_THAT([&] { compile_with(needed / 2, 64); },
              throws_error(ErrorCode::exhausted,
                           ::testing::ContainsRegex("a batch of 64 needs [0-9]+ MB of GPU memory, "
                                                    "and [0-9]+ MB are free: a batch of [0-9]+ "
                                                    "would fit")));
  EXPECT_THAT([&] { compile_with(100, 64); },
              throws_error(ErrorCode::exhausted, HasSubstr("not even a batch of 1 would fit")));
}

TEST(GpuPlan, MemoryIsSharedByWhatIsNotNeededTogether) {
  const Graph graph = make_model("mini_googlenet", {32, 32, 3}, 10);
  const cpu::ParameterArena arena(graph, cpu::ParameterArena::Layout::images_by_filter);
  for (const bool training : {true, false}) {
    const auto program =
        gpu::make_program(graph, arena, training, cpu::FusedEnd::softmax, Precision::bf16);
    const std::size_t all =
        std::accumulate(program.row_bytes.begin(), program.row_bytes.end(), std::size_t{0});
    const std::size_t planned = gpu::plan_memory(program, 64, training).bytes / 64;
    EXPECT_LT(planned, all * (training ? 7 : 3) / 10) << "training: " << training;
  }
}

TEST(GpuPlan, EveryModelOfTheZooIsLowered) {
  for (const std::string& model : model_names()) {
    const ModelUse use = usual_use(model);
    const Graph graph = make_model(model, use.input, use.classes);
    const cpu::ParameterArena arena(graph, cpu::ParameterArena::Layout::images_by_filter);
    for (const Precision precision : {Precision::f32, Precision::bf16}) {
      const auto program = gpu::make_program(graph, arena, true, cpu::FusedEnd::none, precision);
      EXPECT_GT(program.steps.size(), 0u) << model;
      EXPECT_GT(gpu::plan_memory(program, 2, true).bytes, 0u) << model;
    }
  }
}

TEST(GpuPlan, StopsBeforeAStepThatIsNotWanted) {
  const Graph graph = small_model();
  Pair pair;
  const auto plan = compile_on(pair.gpu, graph, {.batch_size = 9});
  const auto samples = random_samples(graph, 9, false, 3);
  const Batch batch = make_test_batch(samples, graph.shape(0), LabelForm::sparse);
  const std::atomic<bool> stop{true};
  plan->set_stop_flag(&stop);
  EXPECT_THAT([&] { plan->forward_backward(whole(batch)); },
              throws_error(ErrorCode::cancelled, HasSubstr("stopped")));
}

}  // namespace
}  // namespace headrace
