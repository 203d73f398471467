// The CPU trainer: whole training steps, and what they are made of.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "headrace/pipeline/rng.h"
#include "headrace/pipeline/slot_pool.h"
#include "headrace/train/backend.h"
#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/loss_step.h"
#include "headrace/train/cpu/onednn.h"
#include "headrace/train/cpu/program.h"
#include "headrace/train/initial_parameters.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

Batch random_batch(const Shape& image, std::int64_t rows, int classes) {
  const BatchSpec spec{
      {{"image", ElementType::f32, image.extents()}, {"label", ElementType::i32, {}}}};
  SlotPool pool(spec, rows, 1);
  auto slot = pool.try_take();
  const Rows to = slot->rows(rows);
  Rng rng(1, 0);
  for (std::int64_t row = 0; row < rows; ++row) {
    float* pixels = to.row_as<float>(0, row);
    for (std::int64_t i = 0; i < image.elements(); ++i) {
      pixels[i] = static_cast<float>(rng.normal());
    }
    *to.row_as<std::int32_t>(1, row) =
        static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(classes)));
  }
  slot->describe(rows, {0, 0}, {0, rows});
  return pool.lease(std::move(slot));
}

// A plan with its batch, of 10 classes.
struct Setup {
  Setup(const Graph& graph, std::int64_t batch_size, int threads)
      : batch(random_batch(graph.shape(0), batch_size, 10)) {
    PlanOptions options;
    options.batch_size = batch_size;
    options.threads = threads;
    options.optimizer = Adam{};
    plan = make_cpu_backend()->compile(graph, options);
    plan->set_parameters(initial_parameters(graph, 1));
    input.batch = &batch;
    input.rows = input.global_rows = batch_size;
  }
  Batch batch;
  std::unique_ptr<Plan> plan;
  StepInput input;
};

Graph mnist() { return make_model("mnist_cnn", {28, 28, 1}, 10); }

// Arguments: batch size, threads.
void train_step(benchmark::State& state) {
  Setup setup(mnist(), state.range(0), static_cast<int>(state.range(1)));
  std::uint64_t step = 0;
  for (auto _ : state) {
    setup.plan->forward_backward(setup.input);
    setup.plan->update(0.001, ++step);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(train_step)
    ->ArgNames({"batch", "threads"})
    ->Args({128, 1})
    ->Args({128, 2})
    ->Args({64, 1})
    ->Args({1024, 2})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

void evaluate(benchmark::State& state) {
  Setup setup(mnist(), 128, static_cast<int>(state.range(0)));
  for (auto _ : state) setup.plan->evaluate(setup.input);
  state.SetItemsProcessed(state.iterations() * 128);
}
BENCHMARK(evaluate)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(
    benchmark::kMicrosecond);

void update(benchmark::State& state) {
  Setup setup(mnist(), 8, 1);
  setup.plan->forward_backward(setup.input);
  std::uint64_t step = 0;
  for (auto _ : state) setup.plan->update(0.001, ++step);
}
BENCHMARK(update)->Unit(benchmark::kMicrosecond);

// One operation of mnist_cnn's program alone, on one block of rows.
void operation(benchmark::State& state) {
  const Graph graph = mnist();
  const cpu::OneThread one;
  const cpu::ParameterArena arena(graph);
  cpu::Program program = cpu::make_program(graph, arena, 128, true, cpu::fused_end(graph, {}));
  const cpu::Segment& segment = program.segments.at(0);
  cpu::AlignedBuffer<float> parameters(arena.size_of_all()), gradients(arena.size());
  for (const NamedTensor& tensor : initial_parameters(graph, 1)) {
    arena.write(tensor, arena.match(tensor, tensor.name), parameters.data());
  }
  const Batch batch = random_batch(graph.shape(0), segment.block_rows, 10);
  cpu::AlignedBuffer<std::byte> memory(segment.block_bytes);
  std::vector<std::byte*> tensors(program.tensors.size());
  for (const auto& local : segment.locals) {
    tensors[static_cast<std::size_t>(local.tensor)] = memory.data() + local.offset;
  }
  const auto image = batch.field("image").as<float>();
  tensors[static_cast<std::size_t>(program.inputs[0].tensor)] =
      reinterpret_cast<std::byte*>(const_cast<float*>(image.data()));
  std::size_t scratch_bytes = 0;
  for (const auto& each : program.operations) {
    each->compile(segment.block_rows);
    each->prepare(parameters.data());
    scratch_bytes = std::max(scratch_bytes, each->scratch_bytes(segment.block_rows));
  }
  cpu::AlignedBuffer<std::byte> scratch(scratch_bytes);
  cpu::Block block;
  block.rows = segment.block_rows;
  block.parameters = parameters.data();
  block.gradients = gradients.data();
  block.tensors = tensors.data();
  block.scratch = scratch.data();
  for (const auto& each : program.operations) each->forward(block);

  const auto& measured = *program.operations.at(static_cast<std::size_t>(state.range(0)));
  const bool backward = state.range(1) != 0;
  for (auto _ : state) backward ? measured.backward(block) : measured.forward(block);
  state.SetItemsProcessed(state.iterations() * segment.block_rows);
  constexpr const char* names[] = {"convolution + relu", "pooling", "dense"};
  state.SetLabel(names[state.range(0)]);
}
BENCHMARK(operation)
    ->ArgNames({"operation", "backward"})
    ->ArgsProduct({{0, 1, 2}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace headrace
