#include "headrace/train/gpu/gpu_plan.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/find_non_finite.h"
#include "headrace/train/layers/batch_normalization.h"

namespace headrace::gpu {
namespace {

constexpr std::size_t most_recordings = 256;
constexpr std::size_t least_piece = std::size_t{1} << 20;  // gradients

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

const PlanOptions& checked(const PlanOptions& options) {
  if (options.batch_size < 1) fail("a plan needs a batch size of at least 1");
  return options;
}

std::string megabytes(std::size_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000); }

}  // namespace

GpuPlan::GpuPlan(std::shared_ptr<Engine> engine, const Graph& graph, const PlanOptions& options)
    : engine_(std::move(engine)),
      graph_(graph),
      options_(checked(options)),
      arena_(graph, ParameterArena::Layout::images_by_filter),
      program_(make_program(graph, arena_, options.training, cpu::fused_end(graph, options.loss),
                            options.precision)),
      memory_(plan_memory(program_, options.batch_size, options.training)) {
  if (options.training) {
    check(options.optimizer);
    loss();
  }
  check_memory();
  activations_ = allocate(memory_.bytes, "activations");
  parameters_ = allocate(arena_.size_of_all() * sizeof(float), "weights");
  state_ = allocate(program_.state * sizeof(float), "statistics");
  step_ = allocate(sizeof(StepScalars), "a step");
  if (options.precision == Precision::bf16) {
    halves_ = allocate(arena_.size() * sizeof(std::uint16_t), "weights in bf16");
  }
  std::size_t raw = 0;
  for (const Program::Input& input : program_.inputs) {
    raw = std::max(raw, static_cast<std::size_t>(input.shape.elements()) * sizeof(float));
  }
  const auto rows = static_cast<std::size_t>(options.batch_size);
  const auto width = static_cast<std::size_t>(program_.output.elements());
  raw_ = allocate(raw * rows, "inputs");
  labels_ = allocate(rows * std::max<std::size_t>(width, 1) * sizeof(float), "labels");
  weights_ = allocate(rows * sizeof(float), "weights of rows");
  row_sums_ = allocate(rows * sizeof(RowSums), "losses");
  if (options.metrics.confusion) {
    const std::size_t classes = std::max<std::size_t>(width, 2);
    confusion_bytes_ = classes * classes * sizeof(double);
  }
  result_ = allocate(sizeof(StepResult) + confusion_bytes_, "metrics");
  if (options.training) {
    gradients_ = allocate(arena_.size() * sizeof(float), "gradients");
    found_ = allocate(sizeof(std::uint32_t), "gradients");
    for (int slot = 0; slot < state_slots(options.optimizer); ++slot) {
      slots_.push_back(allocate(arena_.size() * sizeof(float), "the optimizer's state"));
    }
    optimizer_.emplace(options.optimizer, graph_, arena_, *engine_);
    pieces_ = backward_parts(program_, arena_, least_piece);
  }
  for (const std::size_t offset : memory_.offsets) {
    tensors_.push_back(activations_.memory.get() + offset);
  }
}

// What is queued uses memory that ends with the plan.
GpuPlan::~GpuPlan() {
  try {
    engine_->wait();
  } catch (const std::exception&) {  // a device that fails does nothing any more
  }
}

// Says beforehand what would not fit, and what would.
void GpuPlan::check_memory() const {
  std::size_t arenas = arena_.size_of_all() + program_.state + arena_.size() / 2;
  if (options_.training) {
    arenas += arena_.size() * (1 + static_cast<std::size_t>(state_slots(options_.optimizer)));
  }
  const std::size_t fixed = arenas * sizeof(float);
  const std::size_t needed = fixed + memory_.bytes, free = engine_->free_bytes();
  if (needed <= free) return;
  const std::size_t row = memory_.bytes / static_cast<std::size_t>(options_.batch_size) + 1;
  const std::size_t fits = free > fixed ? (free - fixed) / row : 0;
  throw Error(ErrorCode::exhausted,
              "a batch of " + std::to_string(options_.batch_size) + " needs " + megabytes(needed) +
                  " MB of GPU memory, and " + megabytes(free) + " MB are free: " +
                  (fits > 0 ? "a batch of " + std::to_string(fits) + " would fit"
                            : "not even a batch of 1 would fit"));
}

GpuPlan::Buffer GpuPlan::allocate(std::size_t bytes, const char* what) {
  Buffer buffer{engine_->allocate(bytes, what), bytes};
  if (bytes > 0) engine_->clear(buffer.memory.get(), bytes);
  return buffer;
}

const cpu::LossStep& GpuPlan::loss() {
  if (!loss_) loss_.emplace(graph_, options_.loss, options_.metrics);
  return *loss_;
}

Pass GpuPlan::pass(std::int64_t rows, bool training) const {
  Pass pass{*engine_};
  pass.rows = rows;
  pass.training = training;
  pass.math = options_.precision == Precision::f32 ? Math::f32 : Math::tf32;
  pass.parameters = parameters_.as();
  pass.halves = halves_.as<std::uint16_t>();
  pass.gradients = gradients_.as();
  pass.state = state_.as();
  pass.step = step_.as<StepScalars>();
  pass.tensors = &tensors_;
  return pass;
}

void GpuPlan::check_stop() const {
  if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
    throw Error(ErrorCode::cancelled, "stopped before the step was done");
  }
}

// Made before anything is brought: it may overwrite what the work writes. Shares of odd sizes are
// not recorded for ever.
void GpuPlan::make_ready(Part part, std::int64_t rows, std::size_t piece) {
  const std::tuple key{part, rows, piece};
  if (recordings_.size() >= most_recordings || recordings_.count(key) > 0) return;
  recordings_.emplace(key, engine_->record([=, this] { run(part, rows, piece); }));
}

void GpuPlan::play(Part part, std::int64_t rows, std::size_t piece) {
  const auto found = recordings_.find({part, rows, piece});
  if (found == recordings_.end()) return run(part, rows, piece);
  found->second->play();
}

void GpuPlan::run(Part part, std::int64_t rows, std::size_t piece) {
  const bool training = part == Part::whole || part == Part::step || part == Part::piece ||
                        part == Part::forward || part == Part::backward;
  Pass how = pass(rows, training);
  switch (part) {
    case Part::whole:
      how.halt = &result()->halt;
      reset_metrics();
      run_forward(how);
      run_loss(how);
      run_backward(how);
      run_update(true, how.halt);
      break;
    case Part::step:
      run_forward(how);
      run_loss(how);
      run_backward(how);
      break;
    case Part::piece: run_piece(how, piece); break;
    case Part::forward:
    case Part::predict: run_forward(how); break;
    case Part::backward: run_backward(how); break;
    case Part::evaluate:
      run_forward(how);
      run_loss(how);
      break;
    case Part::update: run_update(true, nullptr); break;
    case Part::keep: run_update(false, nullptr); break;
  }
}

void GpuPlan::run_forward(const Pass& pass) {
  for (const Program::Step& step : program_.steps) step.operation->forward(pass);
}

void GpuPlan::run_backward(const Pass& pass) {
  engine_->clear(gradients_.memory.get(), gradients_.bytes);
  for (auto step = program_.steps.rbegin(); step != program_.steps.rend(); ++step) {
    if (step->has_backward) step->operation->backward(pass);
  }
}

void GpuPlan::run_piece(const Pass& pass, std::size_t piece) {
  if (piece == 0) {
    run_forward(pass);
    run_loss(pass);
    engine_->clear(gradients_.memory.get(), gradients_.bytes);
  }
  const BackwardPart& part = pieces_[piece];
  for (std::size_t step = part.last; step-- > part.first;) {
    if (program_.steps[step].has_backward) program_.steps[step].operation->backward(pass);
  }
}

// Who adds up gradients on the device may begin while later ones are made.
bool GpuPlan::tells_in_pieces() const {
  return gradient_listener_ && host_gradients_.empty() && pieces_.size() > 1 &&
         options_.loss.kind != LossKind::own;
}

void GpuPlan::run_loss(const Pass& pass) {
  const cpu::LossStep& how = loss();
  LossOfRows kernel;
  kernel.kind = options_.loss.kind;
  kernel.of_logits = how.end() != FusedEnd::none || options_.loss.from_logits;
  kernel.by_threshold = how.by_threshold();
  kernel.top_k = options_.metrics.top_k;
  kernel.threshold = how.threshold();
  kernel.target_threshold = options_.metrics.threshold;
  kernel.smoothing = options_.loss.label_smoothing;
  kernel.rows = pass.rows;
  kernel.width = program_.output.elements();
  kernel.step = pass.step;
  kernel.values = pass.data(program_.logits);
  if (targets_) {
    kernel.targets = labels_.as();
  } else {
    kernel.indices = labels_.as<std::int32_t>();
  }
  if (weighted_) kernel.weights = weights_.as();
  if (pass.training && program_.logits_gradient) {
    kernel.gradients = pass.data(program_.logits_gradient);
  }
  kernel.sums = row_sums_.as<RowSums>();
  kernel.confusion = confusion();
  engine_->run(kernel);
  AddRows add;
  add.rows = pass.rows;
  add.of_rows = row_sums_.as<RowSums>();
  add.all = &result()->sums;
  add.halt = pass.halt;
  engine_->run(add);
}

void GpuPlan::run_update(bool moves_statistics, std::uint32_t* halt) {
  if (halt != nullptr || optimizer_->clips()) optimizer_->measure(gradients_.as(), halt);
  Pass how = pass(0, true);
  how.halt = halt;
  for (const Program::Step& step : program_.steps) {
    if (moves_statistics) step.operation->update(how, parameters_.as());
  }
  UpdateStep::Arenas arenas;
  arenas.halt = halt;
  arenas.gradients = gradients_.as();
  arenas.parameters = parameters_.as();
  if (halves_.bytes > 0) arenas.halves = halves_.as<std::uint16_t>();
  for (const Buffer& slot : slots_) arenas.slots.push_back(slot.as());
  optimizer_->run(arenas);
}

void GpuPlan::check_training(const StepInput& input) const {
  if (!options_.training) fail("this plan was compiled for inference: it cannot train");
  if (input.rows > 0 && input.global_rows < input.rows) {
    fail("global_rows counts the rows of all replicas: it is not below this one's");
  }
}

void GpuPlan::forward_backward(const StepInput& input) {
  check_training(input);
  gradients_are_of_queue_ = false;
  const bool own = options_.loss.kind == LossKind::own;
  const bool in_pieces = tells_in_pieces();
  if (own) {
    bring(input, {Part::forward, Part::backward}, true);
  } else {
    bring(input, {in_pieces ? Part::piece : Part::step}, true);
  }
  moves_statistics_ = input.rows > 0;
  std::size_t told = 0;
  if (input.rows == 0) {
    engine_->clear(gradients_.memory.get(), gradients_.bytes);
  } else if (own) {
    own_loss(input, true);
  } else if (in_pieces) {
    for (std::size_t piece = 0; piece < pieces_.size(); ++piece) {
      play(Part::piece, input.rows, piece);
      if (piece + 1 == pieces_.size()) break;
      gradient_listener_(told, pieces_[piece].final);
      told = pieces_[piece].final;
    }
  } else {
    play(Part::step, input.rows);
  }
  host_is_ahead_ = !host_gradients_.empty();
  if (host_is_ahead_) {
    engine_->copy_out(host_gradients_.data(), gradients_.memory.get(), gradients_.bytes);
  }
  if (gradient_listener_) gradient_listener_(told, arena_.size());
  if (statistics_reducer_) share_means(input.rows);
}

std::span<float> GpuPlan::gradients() {
  if (!options_.training) return {};
  if (host_gradients_.empty()) {
    host_gradients_.resize(arena_.size());
    engine_->copy_out(host_gradients_.data(), gradients_.memory.get(), gradients_.bytes);
  }
  host_is_ahead_ = true;
  return host_gradients_;
}

void GpuPlan::set_statistics_reducer(StatisticsReducer reducer) {
  for (const auto& entry : graph_.layers()) {
    const auto* const layer = dynamic_cast<const BatchNormalization*>(entry.layer.get());
    if (!reducer || layer == nullptr || !layer->synchronized()) continue;
    throw Error(ErrorCode::unsupported,
                entry.name +
                    ": synchronised batch normalisation is not there on GPUs: leave it to each "
                    "replica (synchronized: false), or train with one");
  }
  statistics_reducer_ = std::move(reducer);
}

// What moving statistics are to take in: over replicas the mean, weighted by their rows.
void GpuPlan::share_means(std::int64_t rows) {
  std::vector<float> state(program_.state), sums{static_cast<float>(rows)};
  if (rows > 0) state = host_copy(state_, program_.state);
  for (const Program::Step& step : program_.steps) {
    const Operation::Means means = step.operation->means();
    for (std::size_t i = 0; i < means.size; ++i) sums.push_back(sums[0] * state[means.place + i]);
  }
  statistics_reducer_(sums);
  moves_statistics_ = sums[0] > 0;
  if (!moves_statistics_) return;
  auto sum = sums.begin() + 1;
  for (const Program::Step& step : program_.steps) {
    const Operation::Means means = step.operation->means();
    if (means.size == 0) continue;
    const float count = sums[0];
    std::transform(sum, sum + static_cast<std::ptrdiff_t>(means.size),
                   state.begin() + static_cast<std::ptrdiff_t>(means.place),
                   [count](float value) { return value / count; });
    sum += static_cast<std::ptrdiff_t>(means.size);
    engine_->copy_in(state_.as() + means.place, state.data() + means.place,
                     means.size * sizeof(float));
  }
}

void GpuPlan::update(double learning_rate, std::uint64_t step) {
  if (!options_.training) fail("this plan was compiled for inference: it cannot train");
  bring_gradients();
  const Part part = moves_statistics_ ? Part::update : Part::keep;
  make_ready(part, 0);
  optimizer_->set(learning_rate, step);
  play(part, 0);
}

void GpuPlan::evaluate(const StepInput& input) {
  const bool own = options_.loss.kind == LossKind::own;
  bring(input, {own ? Part::predict : Part::evaluate}, true);
  if (input.rows == 0) return;
  if (own) {
    own_loss(input, false);
  } else {
    play(Part::evaluate, input.rows);
  }
}

void GpuPlan::predict(const StepInput& input, std::span<float> output) {
  const std::int64_t width = program_.output.elements();
  if (output.size() != static_cast<std::size_t>(input.rows * width)) {
    fail("predict() needs room for " + std::to_string(input.rows * width) + " values, got " +
         std::to_string(output.size()));
  }
  bring(input, {Part::predict}, false);
  if (input.rows == 0) return;
  play(Part::predict, input.rows);
  engine_->copy_out(output.data(), pass(input.rows, false).data(program_.logits),
                    output.size_bytes());
  cpu::apply_end(program_.end, output.data(), input.rows, width, output.data());
}

// The user's own function runs on the host, between forward and backward.
void GpuPlan::own_loss(const StepInput& input, bool training) {
  play(training ? Part::forward : Part::predict, input.rows);
  const auto width = static_cast<std::size_t>(program_.output.elements());
  std::vector<float> values(static_cast<std::size_t>(input.rows) * width);
  std::vector<float> slopes(training && program_.logits_gradient ? values.size() : 0);
  const Pass how = pass(input.rows, training);
  engine_->copy_out(values.data(), how.data(program_.logits), values.size() * sizeof(float));
  cpu::LossBlock block;
  block.batch = input.batch;
  block.first = input.first;
  block.rows = input.rows;
  block.values = values.data();
  block.labels = loss().bind(input, options_.label_field);
  if (!slopes.empty()) {
    block.scale = 1.0f / static_cast<float>(input.global_rows);
    block.gradient = slopes.data();
  }
  loss().run(block, own_sums_);
  if (!training) return;
  if (!slopes.empty()) {
    engine_->copy_in(how.data(program_.logits_gradient), slopes.data(),
                     slopes.size() * sizeof(float));
  }
  play(Part::backward, input.rows);
}

std::string GpuPlan::find_non_finite(const StepInput& input) {
  const auto compile = [&](const Graph& graph, std::int64_t rows) {
    PlanOptions options = options_;
    options.batch_size = rows;
    options.training = false;
    return std::make_unique<GpuPlan>(engine_, graph, options);
  };
  std::vector<NamedTensor> gradients;
  if (options_.training) {
    if (gradients_are_of_queue_) {  // of a later step, perhaps
      const auto* const stop = std::exchange(stop_, nullptr);
      forward_backward(input);
      stop_ = stop;
    }
    gradients = arena_.read(host_copy(gradients_, arena_.size()).data(), "/gradient");
  }
  return headrace::find_non_finite(graph_, parameters(), gradients, input, options_.label_field,
                                   compile);
}

std::size_t GpuPlan::memory_bytes() const {
  std::size_t bytes = optimizer_ ? optimizer_->memory_bytes() : 0;
  for (const Buffer* buffer : {&activations_, &parameters_, &halves_, &gradients_, &state_, &raw_,
                               &labels_, &weights_, &step_, &row_sums_, &result_, &found_}) {
    bytes += buffer->bytes;
  }
  for (const Buffer& slot : slots_) bytes += slot.bytes;
  return bytes;
}

}  // namespace headrace::gpu
