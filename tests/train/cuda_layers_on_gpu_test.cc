// Every layer on a GPU, by the same checks that its plans go through on the host; and what only a
// GPU can show: that cuDNN's and cuBLASLt's numbers, the recorded steps and the kernels' launches
// are right.
#include <vector>

#include "../support/error_matcher.h"
#include "gpu_layers.h"
#include "headrace/train/gpu_devices.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

Backend& backend() {
  static const std::unique_ptr<Backend> one = make_cuda_backend();
  return *one;
}

class LayersOnGpu : public ::testing::TestWithParam<TestModel> {
 protected:
  void SetUp() override {
    const GpuDevices found = gpu_devices();
    if (found.devices.empty()) GTEST_SKIP() << found.reason;
  }
  const Graph& graph() const { return GetParam().graph; }
};

TEST_P(LayersOnGpu, OutputsAgreeWithTheReference) { check_output(backend(), graph(), 1e-4); }
TEST_P(LayersOnGpu, LossGradientsAndMovingStatisticsAgreeWithTheReference) {
  check_step(backend(), graph(), 1e-4);
}
TEST_P(LayersOnGpu, InBf16StepsAreAlmostThoseOfF32) { check_bf16_step(backend(), graph()); }
TEST_P(LayersOnGpu, TheSameStepGivesTheSameBits) { check_bits(backend(), graph()); }

INSTANTIATE_TEST_SUITE_P(Models, LayersOnGpu, ::testing::ValuesIn(all_models()),
                         [](const auto& test) { return test.param.name; });

class PlanOnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    const GpuDevices found = gpu_devices();
    if (found.devices.empty()) GTEST_SKIP() << found.reason;
  }
};

// Ten steps of a model on the GPU and on the CPU, a shorter batch at the end of each epoch of five.
void train(Plan& plan, const Graph& graph, std::vector<double>& losses) {
  for (std::uint64_t step = 0; step < 10; ++step) {
    const auto samples = random_samples(graph, step % 5 == 4 ? 5 : 16, false, 60 + step % 5);
    const Batch batch = make_graph_batch(graph, samples);
    StepInput input = whole(batch);
    input.step = step;
    plan.reset_metrics();
    plan.forward_backward(input);
    losses.push_back(plan.metrics().mean_loss());
    plan.update(0.01, step + 1);
  }
}

void expect_training_as_on_the_cpu(const char* model, Precision precision, double tolerance) {
  const ModelUse use = usual_use(model);
  const Graph graph = make_model(model, use.input, use.classes);
  const auto cpu = make_cpu_backend();
  std::vector<double> here, there;
  const PlanOptions options{.batch_size = 16, .optimizer = Sgd{.momentum = 0.9}};
  PlanOptions on_gpu = options;
  on_gpu.precision = precision;
  train(*compile_on(backend(), graph, on_gpu), graph, here);
  train(*compile_on(*cpu, graph, options), graph, there);
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_NEAR(here[i], there[i], tolerance * there[i]) << model << ", step " << i;
  }
}

TEST_F(PlanOnGpu, ModelsTrainAsOnTheCpu) {
  expect_training_as_on_the_cpu("mini_googlenet", Precision::f32, 1e-2);
  expect_training_as_on_the_cpu("mnist_cnn", Precision::f32, 1e-3);
  expect_training_as_on_the_cpu("mini_googlenet", Precision::bf16, 0.1);
}

TEST_F(PlanOnGpu, ACheckpointOfTheGpuGivesTheSameEvaluationOnTheCpu) {
  const ModelUse use = usual_use("mini_googlenet");
  const Graph graph = make_model("mini_googlenet", use.input, use.classes);
  const auto gpu = compile_on(backend(), graph, {.batch_size = 16});
  std::vector<double> losses;
  train(*gpu, graph, losses);
  const auto cpu = make_cpu_backend()->compile(graph, {.batch_size = 16, .training = false});
  cpu->set_parameters(gpu->parameters());
  const auto samples = random_samples(graph, 16, false, 3);
  const Batch batch = make_graph_batch(graph, samples);
  gpu->reset_metrics();
  gpu->evaluate(whole(batch));
  cpu->evaluate(whole(batch));
  EXPECT_NEAR(gpu->metrics().loss, cpu->metrics().loss, 1e-4 * cpu->metrics().loss);
}

TEST_F(PlanOnGpu, WhatDoesNotFitSaysWhichBatchWould) {
  const ModelUse use = usual_use("mini_googlenet");
  const Graph graph = make_model("mini_googlenet", use.input, use.classes);
  EXPECT_THAT([&] { backend().compile(graph, {.batch_size = 100'000'000}); },
              throws_error(ErrorCode::exhausted, ::testing::HasSubstr("would fit")));
}

}  // namespace
}  // namespace headrace
