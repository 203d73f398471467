#include "headrace/cli/pipeline_figures.h"

#include <gtest/gtest.h>

#include "headrace/pipeline/array_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/train/initial_parameters.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/placement.h"

namespace headrace::cli {
namespace {

TEST(PipelineFigures, AreShareAndTheory) {
  const Graph graph = place(make_model("mnist_cnn", {12, 12, 1}, 10), "dense=cpu:1");
  const std::vector<float> images(8 * 12 * 12, 0.5f);
  const std::vector<std::int32_t> labels(8, 1);
  const ArraySequence samples({{"image", images, {12, 12, 1}}, {"label", labels}});
  const Batch batch = make_batch(samples, 0, 0, 8);
  const auto plan =
      make_cpu_backend()->compile(graph, {.batch_size = 8, .threads = 2, .micro_batches = 3});
  plan->set_parameters(initial_parameters(graph, 0));
  StepInput input;
  input.batch = &batch;
  input.rows = input.global_rows = 8;
  const PipelineFigures figures = measure_pipeline(*plan, input, 2, 3, 4);
  EXPECT_EQ(figures.devices, 2);
  EXPECT_DOUBLE_EQ(figures.bubble_in_theory, 0.25);
  EXPECT_GT(figures.step_seconds, 0);
  EXPECT_GT(figures.bubble, 0);  // the first device cannot but wait for the second
  EXPECT_LT(figures.bubble, 1);
}

}  // namespace
}  // namespace headrace::cli
