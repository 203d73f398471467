#include "headrace/train/cpu/executor.h"

#include <algorithm>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/cpu/onednn.h"

namespace headrace::cpu {
namespace {

constexpr std::size_t sum_grain = 32'768;  // elements worth another thread

const PlanOptions& checked(const PlanOptions& options) {
  const auto fail = [](const char* what) { throw Error(ErrorCode::invalid_argument, what); };
  if (options.batch_size < 1) fail("a plan needs a batch size of at least 1");
  if (options.threads < 1) fail("a plan needs at least 1 thread");
  if (options.precision == Precision::bf16 && !has_bf16()) {
    throw Error(ErrorCode::unsupported,
                "this CPU has neither AVX512-BF16 nor AMX, without which bf16 is slower than f32: "
                "train in f32");
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

void begin(const std::vector<Reduction*>& reductions, int slices) {
  for (Reduction* reduction : reductions) reduction->begin(slices);
}

Program program_of(const Graph& graph, const ParameterArena& arena, const PlanOptions& options,
                   const ProgramEnds& ends) {
  const std::int64_t slice_rows = (options.batch_size + options.threads - 1) / options.threads;
  const FusedEnd end = ends.has_output ? fused_end(graph, options.loss) : FusedEnd::none;
  return translated([&] {
    const OneThread one;
    return make_program(graph, arena, slice_rows, options.training, end, options.precision, ends);
  });
}

// In the order of the arena.
std::vector<Operation::Range> written_gradients(const Program& program) {
  std::vector<Operation::Range> ranges;
  for (const Segment& segment : program.segments) {
    for (const Operation* operation : segment.backward) {
      for (const Operation::Range& range : operation->written_gradients()) ranges.push_back(range);
    }
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return ranges;
}

}  // namespace

Executor::Executor(const Graph& graph, const ParameterArena& arena, const PlanOptions& options,
                   const ProgramEnds& ends)
    : program_(program_of(graph, arena, checked(options), ends)),
      team_(options.threads),
      slices_(static_cast<std::size_t>(options.threads)) {
  compiled_.resize(program_.segments.size());
  if (options.training) written_ = written_gradients(program_);
  std::size_t block_bytes = 0;
  for (const Segment& segment : program_.segments) {
    block_bytes = std::max(block_bytes, segment.block_bytes);
  }
  for (Slice& slice : slices_) {
    slice.block = AlignedBuffer<std::byte>(block_bytes);
    slice.kept = AlignedBuffer<std::byte>(program_.kept_bytes);
    if (options.training) slice.gradients = AlignedBuffer<float>(arena.size());
    slice.conversion.resize(program_.inputs.size());
    slice.tensors.resize(program_.tensors.size());
  }
}

void Executor::run(const Job& job) {
  translated([&] {
    divide(job.input->rows);
    make_ready(job);
    const auto slices = static_cast<int>(slices_.size());
    const std::size_t last = program_.segments.size() - 1;
    for (std::size_t s = 0; s < last; ++s) {
      const Segment& segment = program_.segments[s];
      if (job.training) begin(segment.after_forward, slices);
      run_pass(job, segment, &Executor::forward_pass);
      if (job.training) finish(segment.after_forward, Phase::forward, job);
    }
    if (!program_.logits) {
      run_pass(job, program_.segments[last], &Executor::forward_pass);
      return;
    }
    if (job.training) begin(program_.segments[last].after_backward, slices);
    run_pass(job, program_.segments[last], &Executor::last_pass);
    if (!job.training) return;
    finish_backward(program_.segments[last], job);
    backward_from(last, job);
  });
  if (job.loss == nullptr) return;
  for (const Slice& slice : slices_) metrics_ += slice.sums;
}

void Executor::backward(const Job& job) {
  translated([&] { backward_from(program_.segments.size(), job); });
}

// Of the segments before that one.
void Executor::backward_from(std::size_t segment, const Job& job) {
  for (std::size_t s = segment; s-- > 0;) {
    begin(program_.segments[s].after_backward, static_cast<int>(slices_.size()));
    run_pass(job, program_.segments[s], &Executor::backward_pass);
    finish_backward(program_.segments[s], job);
  }
}

void Executor::finish(const std::vector<Reduction*>& reductions, Phase phase, const Job& job) {
  if (reductions.empty()) return;
  const ProfileSpan measured = span(OperationKind::batch_normalization, phase);
  Join join;
  join.parameters = job.parameters;
  join.gradients = slices_[0].gradients.data();
  join.rows = job.input->rows;
  if (statistics_reducer_) join.all_reduce = &statistics_reducer_;
  for (Reduction* reduction : reductions) reduction->finish(join);
}

void Executor::finish_backward(const Segment& segment, const Job& job) {
  finish(segment.after_backward, Phase::backward, job);
  add_up_gradients(segment.final_gradients);
}

void Executor::divide(std::int64_t rows) {
  const auto slices = static_cast<std::int64_t>(slices_.size());
  for (std::int64_t i = 0; i < slices; ++i) {
    Slice& slice = slices_[static_cast<std::size_t>(i)];
    slice.first = rows * i / slices;
    slice.rows = rows * (i + 1) / slices - slice.first;
  }
}

// What may not be done by several threads: making primitives; and what blocks need.
void Executor::make_ready(const Job& job) {
  {
    const OneThread one;
    for (std::size_t s = 0; s < program_.segments.size(); ++s) {
      const std::int64_t block_rows = program_.segments[s].block_rows;
      for (const Slice& slice : slices_) {
        if (slice.rows >= block_rows) compile(s, block_rows);
        if (const std::int64_t rest = slice.rows % block_rows; rest > 0) compile(s, rest);
      }
    }
  }
  if (prepared_ != job.version) prepare(job);
  std::int64_t most_rows = 0;
  for (const Segment& segment : program_.segments) {
    most_rows = std::max(most_rows, segment.block_rows);
  }
  for (Slice& slice : slices_) {
    if (slice.scratch.size() < scratch_bytes_) {
      slice.scratch = AlignedBuffer<std::byte>(scratch_bytes_);
    }
    slice.sums = {};
    for (std::size_t i = 0; i < job.bound->inputs.size(); ++i) {
      const BoundBatch::Field& field = job.bound->inputs[i];
      if (field.type == ElementType::f32 || slice.conversion[i].size() > 0) continue;
      slice.conversion[i] =
          AlignedBuffer<float>(static_cast<std::size_t>(most_rows * field.elements));
    }
  }
  final_gradients_ = 0;
  sums_are_finite_ = true;
  if (!job.training) return;
  clear_gradients();
}

// But those that operations write.
void Executor::clear_gradients() {
  const ProfileSpan measured = span(OperationKind::gradients, Phase::backward);
  team_.run(static_cast<int>(slices_.size()), [&](int number) {
    Slice& slice = slices_[static_cast<std::size_t>(number)];
    float* const gradients = slice.gradients.data();
    std::size_t done = 0;
    if (slice.rows > 0) {
      for (const Operation::Range& range : written_) {
        std::fill(gradients + done, gradients + range.first, 0.0f);
        done = range.last;
      }
    }
    std::fill(gradients + done, gradients + slice.gradients.size(), 0.0f);
  });
}

void Executor::compile(std::size_t segment, std::int64_t rows) {
  if (!compiled_[segment].insert(rows).second) return;
  for (Operation* operation : program_.segments[segment].forward) {
    operation->compile(rows);
    scratch_bytes_ = std::max(scratch_bytes_, operation->scratch_bytes(rows));
  }
  prepared_ = 0;
}

// Weights into the layouts that primitives want.
void Executor::prepare(const Job& job) {
  const ProfileSpan measured = span(OperationKind::layouts, Phase::forward);
  team_.run(static_cast<int>(program_.operations.size()), [&](int number) {
    const OneThread one;
    program_.operations[static_cast<std::size_t>(number)]->prepare(job.parameters);
  });
  prepared_ = job.version;
}

void Executor::run_pass(const Job& job, const Segment& segment, Pass pass) {
  team_.run(static_cast<int>(slices_.size()), [&](int number) {
    const OneThread one;
    Slice& slice = slices_[static_cast<std::size_t>(number)];
    Block block;
    block.slice = number;
    block.training = job.training;
    block.dropout = {job.input->seed, job.input->step};
    block.parameters = job.parameters;
    block.gradients = slice.gradients.data();
    block.tensors = slice.tensors.data();
    block.scratch = slice.scratch.data();
    for (std::int64_t done = 0; done < slice.rows; done += segment.block_rows) {
      block.is_first = done == 0;
      block.rows = std::min(segment.block_rows, slice.rows - done);
      block.first_row = slice.first + done;
      block.global_row = job.input->global_first + block.first_row;
      place_tensors(job, segment, slice, done, block.rows);
      (this->*pass)(job, segment, block, slice);
    }
  });
}

void Executor::place_tensors(const Job& job, const Segment& segment, Slice& slice,
                             std::int64_t done, std::int64_t rows) const {
  const auto tensor = [&](TensorId id) -> std::byte*& {
    return slice.tensors[static_cast<std::size_t>(id)];
  };
  for (const Segment::Local& local : segment.locals) {
    tensor(local.tensor) = slice.block.data() + local.offset;
  }
  for (TensorId id : segment.kept) {
    tensor(id) = slice.kept.data() + program_.kept_offsets[static_cast<std::size_t>(id)] +
                 static_cast<std::size_t>(done) * program_.tensors.row_bytes(id);
  }
  const auto is_used = [&](TensorId id) {
    return std::find(segment.externals.begin(), segment.externals.end(), id) !=
           segment.externals.end();
  };
  for (std::size_t i = 0; i < program_.links.size(); ++i) {
    const Program::Link& link = program_.links[i];
    if (!is_used(link.tensor)) continue;
    tensor(link.tensor) =
        reinterpret_cast<std::byte*>(links_[i] + (slice.first + done) * link.elements);
  }
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    const TensorId id = program_.inputs[i].tensor;
    if (!is_used(id)) continue;
    const BoundBatch::Field& field = job.bound->inputs[i];
    const auto offset = static_cast<std::size_t>((slice.first + done) * field.elements);
    if (field.type == ElementType::f32) {
      // Operations only read their inputs.
      tensor(id) = const_cast<std::byte*>(field.rows) + offset * sizeof(float);
    } else {
      convert(reinterpret_cast<const std::uint8_t*>(field.rows) + offset,
              static_cast<std::size_t>(rows * field.elements), slice.conversion[i].data());
      tensor(id) = reinterpret_cast<std::byte*>(slice.conversion[i].data());
    }
  }
}

void Executor::forward_pass(const Job&, const Segment& segment, const Block& block, Slice&) const {
  for (const Operation* operation : segment.forward) {
    check_stop();
    forward(*operation, block, Phase::forward);
  }
}

void Executor::last_pass(const Job& job, const Segment& segment, const Block& block,
                         Slice& slice) const {
  forward_pass(job, segment, block, slice);
  if (finish_forward(job, block, slice)) backward_pass(job, segment, block, slice);
}

void Executor::backward_pass(const Job&, const Segment& segment, const Block& block, Slice&) const {
  for (const Operation* operation : segment.recompute) forward(*operation, block, Phase::backward);
  for (const Operation* operation : segment.backward) {
    check_stop();
    backward(*operation, block);
  }
}

void Executor::forward(const Operation& operation, const Block& block, Phase phase) const {
  const auto flops = 2.0 * static_cast<double>(operation.work().forward * block.rows);
  const ProfileSpan measured(profile_.get(), static_cast<std::size_t>(block.slice),
                             operation.kind(), phase, flops);
  operation.forward(block);
}

void Executor::backward(const Operation& operation, const Block& block) const {
  const auto flops = 2.0 * static_cast<double>(operation.work().backward * block.rows);
  const ProfileSpan measured(profile_.get(), static_cast<std::size_t>(block.slice),
                             operation.kind(), Phase::backward, flops);
  operation.backward(block);
}

void Executor::check_stop() const {
  if (statistics_reducer_ && program_.has_reductions())
    return;  // others wait for this replica's share
  if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
    throw Error(ErrorCode::cancelled, "stopped before the step was done");
  }
}

bool Executor::finish_forward(const Job& job, const Block& block, Slice& slice) const {
  const ProfileSpan measured(profile_.get(), static_cast<std::size_t>(block.slice),
                             OperationKind::loss, Phase::forward);
  const StepInput& input = *job.input;
  const std::int64_t rows = block.rows, first = block.first_row;
  const float* logits = block.data(program_.logits);
  const std::int64_t width = program_.output.elements();
  if (job.predictions != nullptr) {
    apply_end(program_.end, logits, rows, width, job.predictions + first * width);
    return false;
  }
  const bool backward = job.training && program_.logits_gradient;
  LossBlock outputs;
  outputs.batch = input.batch;
  outputs.first = input.first + first;
  outputs.rows = rows;
  outputs.values = logits;
  outputs.labels = job.labels;
  if (job.labels.indices != nullptr) outputs.labels.indices += first;
  if (job.labels.targets != nullptr) outputs.labels.targets += first * width;
  if (job.labels.weights != nullptr) outputs.labels.weights += first;
  if (backward) {
    outputs.scale = 1.0f / static_cast<float>(input.global_rows);
    outputs.gradient = block.data(program_.logits_gradient);
  }
  job.loss->run(outputs, slice.sums);
  return backward;
}

// Of the arena up to `last`, and tells who listens.
void Executor::add_up_gradients(std::size_t last) {
  const std::size_t begin = std::exchange(final_gradients_, last);
  if (begin == last) return;
  if (slices_.size() > 1) {
    const ProfileSpan measured = span(OperationKind::gradients, Phase::backward);
    team_.run_ranges(last - begin, sum_grain, [&](std::size_t from, std::size_t to) {
      const auto part = [&](const Slice& slice) { return slice.gradients.data() + begin + from; };
      float* const sums = slices_.front().gradients.data() + begin + from;
      for (std::size_t i = 1; i + 1 < slices_.size(); ++i) add(part(slices_[i]), to - from, sums);
      if (!add_finite(part(slices_.back()), to - from, sums)) sums_are_finite_ = false;
    });
  }
  if (gradient_listener_) gradient_listener_(begin, last);
}

void Executor::update_statistics(float* parameters) {
  for (const Segment& segment : program_.segments) {
    for (Reduction* reduction : segment.after_forward) reduction->update(parameters);
  }
}

std::vector<OperationTime> Executor::profile() const {
  return profile_ == nullptr ? std::vector<OperationTime>{} : profile_->times();
}

std::size_t Executor::memory_bytes() const {
  std::size_t bytes = 0;
  for (const Slice& slice : slices_) {
    bytes +=
        slice.block.bytes() + slice.kept.bytes() + slice.scratch.bytes() + slice.gradients.bytes();
    for (const auto& buffer : slice.conversion) bytes += buffer.bytes();
  }
  for (const auto& operation : program_.operations) bytes += operation->memory_bytes();
  return bytes;
}

}  // namespace headrace::cpu
