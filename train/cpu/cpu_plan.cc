#include "headrace/train/cpu/cpu_plan.h"

#include <algorithm>

#include "headrace/pipeline/error.h"
#include "headrace/train/cpu/activation_operation.h"
#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/onednn.h"
#include "headrace/train/cpu/optimizer_step.h"

namespace headrace::cpu {
namespace {

constexpr std::size_t update_grain = 32'768;  // elements worth another thread

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

const PlanOptions& checked(const PlanOptions& options) {
  if (options.batch_size < 1) fail("a plan needs a batch size of at least 1");
  if (options.threads < 1) fail("a plan needs at least 1 thread");
  if (options.precision != Precision::f32) {
    throw Error(ErrorCode::unsupported, "the CPU backend computes in f32 only");
  }
  return options;
}

template <class Call>
auto translated(Call call) {
  try {
    return call();
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::backend, std::string("oneDNN: ") + error.what());
  }
}

Program program_of(const Graph& graph, const ParameterArena& arena, const PlanOptions& options) {
  const std::int64_t slice_rows = (options.batch_size + options.threads - 1) / options.threads;
  return translated([&] {
    const OneThread one;
    return make_program(graph, arena, slice_rows, options.training);
  });
}

}  // namespace

CpuPlan::CpuPlan(const Graph& graph, const PlanOptions& options)
    : options_(checked(options)),
      arena_(graph),
      program_(program_of(graph, arena_, options)),
      team_(options.threads),
      parameters_(arena_.size()),
      slices_(static_cast<std::size_t>(options.threads)) {
  if (options.training) {
    check_loss();
    const int slots = state_slots(options.optimizer);
    for (int slot = 0; slot < slots; ++slot) state_.emplace_back(arena_.size());
  }
  for (Slice& slice : slices_) {
    slice.activations = AlignedBuffer<std::byte>(program_.block_bytes);
    if (options.training) slice.gradients = AlignedBuffer<float>(arena_.size());
    slice.conversion.resize(program_.inputs.size());
    for (std::size_t id = 0; id < program_.tensors.size(); ++id) {
      const auto offset = program_.tensors.offset(static_cast<TensorId>(id));
      slice.tensors.push_back(reinterpret_cast<float*>(slice.activations.data() + offset));
    }
  }
}

CpuPlan::~CpuPlan() = default;

void CpuPlan::check_loss() const {
  if (program_.output.rank() != 1) {
    fail("categorical cross-entropy needs an output (classes), not " + program_.output.to_string());
  }
  if (program_.ends_in_softmax && options_.loss.from_logits) {
    fail("the model ends in softmax, so its output is no logits: leave from_logits off");
  }
  if (!program_.ends_in_softmax && !options_.loss.from_logits) {
    fail("categorical cross-entropy needs a model that ends in softmax, or from_logits");
  }
}

void CpuPlan::forward_backward(const StepInput& input) {
  if (!options_.training) fail("this plan was compiled for inference: it cannot train");
  if (input.rows > 0 && input.global_rows < input.rows) {
    fail("global_rows counts the rows of all replicas: it is not below this one's");
  }
  BoundBatch bound = bind_batch(program_, input, options_.batch_size);
  bind_labels(program_, input, options_.label_field, bound);
  run({&input, &bound, true, nullptr});
  add_up_gradients();
  if (gradient_listener_) gradient_listener_(0, arena_.size());
}

void CpuPlan::evaluate(const StepInput& input) {
  check_loss();
  BoundBatch bound = bind_batch(program_, input, options_.batch_size);
  bind_labels(program_, input, options_.label_field, bound);
  run({&input, &bound, false, nullptr});
}

void CpuPlan::predict(const StepInput& input, std::span<float> output) {
  const BoundBatch bound = bind_batch(program_, input, options_.batch_size);
  const auto size = static_cast<std::size_t>(input.rows * program_.output.elements());
  if (output.size() != size) {
    fail("predict() needs room for " + std::to_string(size) + " values, got " +
         std::to_string(output.size()));
  }
  run({&input, &bound, false, output.data()});
}

void CpuPlan::run(const Job& job) {
  translated([&] {
    divide(job.input->rows);
    make_ready(job);
    team_.run(static_cast<int>(slices_.size()), [&](int number) {
      const OneThread one;
      run_slice(job, slices_[static_cast<std::size_t>(number)]);
    });
  });
  if (job.predictions != nullptr) return;
  for (const Slice& slice : slices_) metrics_ += slice.sums;
}

void CpuPlan::divide(std::int64_t rows) {
  const auto slices = static_cast<std::int64_t>(slices_.size());
  for (std::int64_t i = 0; i < slices; ++i) {
    Slice& slice = slices_[static_cast<std::size_t>(i)];
    slice.first = rows * i / slices;
    slice.rows = rows * (i + 1) / slices - slice.first;
  }
}

// What may not be done by several threads: making primitives, bringing weights into their layout.
void CpuPlan::make_ready(const Job& job) {
  const OneThread one;
  for (Slice& slice : slices_) {
    if (slice.rows >= program_.block_rows) prepare(program_.block_rows);
    if (const std::int64_t rest = slice.rows % program_.block_rows; rest > 0) prepare(rest);
  }
  std::size_t scratch = 0;
  for (const auto& [rows, version] : prepared_) {
    for (const auto& operation : program_.operations) {
      scratch = std::max(scratch, operation->scratch_bytes(rows));
    }
  }
  for (Slice& slice : slices_) {
    if (slice.scratch.size() < scratch) slice.scratch = AlignedBuffer<std::byte>(scratch);
    for (std::size_t i = 0; i < job.bound->inputs.size(); ++i) {
      const BoundBatch::Field& field = job.bound->inputs[i];
      if (field.type == ElementType::f32 || slice.conversion[i].size() > 0) continue;
      slice.conversion[i] =
          AlignedBuffer<float>(static_cast<std::size_t>(program_.block_rows * field.elements));
    }
  }
}

void CpuPlan::prepare(std::int64_t rows) {
  std::uint64_t& version = prepared_[rows];
  if (version == version_) return;
  for (const auto& operation : program_.operations) {
    if (version == 0) operation->compile(rows);
    operation->prepare(rows, parameters_.data());
  }
  version = version_;
}

void CpuPlan::run_slice(const Job& job, Slice& slice) const {
  slice.sums = {};
  if (job.training) std::fill_n(slice.gradients.data(), slice.gradients.size(), 0.0f);
  for (std::int64_t done = 0; done < slice.rows; done += program_.block_rows) {
    const std::int64_t rows = std::min(program_.block_rows, slice.rows - done);
    run_block(job, slice, slice.first + done, rows);
  }
}

void CpuPlan::place_inputs(const Job& job, Slice& slice, std::int64_t first,
                           std::int64_t rows) const {
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    const BoundBatch::Field& field = job.bound->inputs[i];
    const auto offset = static_cast<std::size_t>(first * field.elements);
    float*& tensor = slice.tensors[static_cast<std::size_t>(program_.inputs[i].tensor)];
    if (field.type == ElementType::f32) {
      // Operations only read their inputs.
      tensor = const_cast<float*>(reinterpret_cast<const float*>(field.rows)) + offset;
    } else {
      tensor = slice.conversion[i].data();
      convert(reinterpret_cast<const std::uint8_t*>(field.rows) + offset,
              static_cast<std::size_t>(rows * field.elements), tensor);
    }
  }
}

void CpuPlan::check_stop() const {
  if (statistics_reducer_) return;  // others wait for this replica's share
  if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
    throw Error(ErrorCode::cancelled, "stopped before the step was done");
  }
}

void CpuPlan::run_block(const Job& job, Slice& slice, std::int64_t first, std::int64_t rows) const {
  const StepInput& input = *job.input;
  place_inputs(job, slice, first, rows);
  Block block;
  block.rows = rows;
  block.global_row = input.global_first + first;
  block.training = job.training;
  block.dropout = {input.seed, input.step};
  block.parameters = parameters_.data();
  block.gradients = slice.gradients.data();
  block.tensors = slice.tensors.data();
  block.scratch = slice.scratch.data();
  for (const auto& operation : program_.operations) {
    check_stop();
    operation->forward(block);
  }

  const float* logits = block.tensor(program_.logits);
  const std::int64_t width = program_.output.elements();
  if (job.predictions != nullptr) {
    float* output = job.predictions + first * width;
    if (program_.ends_in_softmax) {
      softmax(logits, rows, width, output);
    } else {
      std::copy_n(logits, rows * width, output);
    }
    return;
  }
  const bool backward = job.training && program_.logits_gradient != no_tensor;
  Labels labels = job.bound->labels;
  if (labels.indices != nullptr) labels.indices += first;
  if (labels.targets != nullptr) labels.targets += first * width;
  const float scale = backward ? 1.0f / static_cast<float>(input.global_rows) : 0.0f;
  cross_entropy(logits, labels, rows, width, scale,
                backward ? block.tensor(program_.logits_gradient) : nullptr, slice.sums);
  if (!backward) return;
  for (const Operation* operation : program_.backward) {
    check_stop();
    operation->backward(block);
  }
}

void CpuPlan::add_up_gradients() {
  if (slices_.size() == 1) return;
  team_.run_ranges(arena_.size(), update_grain, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = 1; i < slices_.size(); ++i) {
      add(slices_[i].gradients.data() + first, last - first, slices_[0].gradients.data() + first);
    }
  });
}

void CpuPlan::update(double learning_rate, std::uint64_t step) {
  if (!options_.training) fail("this plan was compiled for inference: it cannot train");
  std::vector<float*> state;
  for (const auto& slot : state_) state.push_back(slot.data());
  team_.run_ranges(arena_.size(), update_grain, [&](std::size_t first, std::size_t last) {
    optimizer_step(options_.optimizer, learning_rate, step, first, last,
                   slices_[0].gradients.data(), parameters_.data(), state);
  });
  ++version_;
}

std::size_t CpuPlan::memory_bytes() const {
  std::size_t bytes = parameters_.bytes();
  for (const auto& slot : state_) bytes += slot.bytes();
  for (const Slice& slice : slices_) {
    bytes += slice.activations.bytes() + slice.scratch.bytes() + slice.gradients.bytes();
    for (const auto& buffer : slice.conversion) bytes += buffer.bytes();
  }
  for (const auto& operation : program_.operations) bytes += operation->memory_bytes();
  return bytes;
}

}  // namespace headrace::cpu
