// What goes between a plan and the host: batches in, parameters and optimizer state in and out.
#include <algorithm>
#include <array>

#include "headrace/pipeline/device_rows.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"
#include "headrace/train/gpu/gpu_plan.h"

namespace headrace::gpu {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

std::string describe(const FieldSpec& field) {
  return std::string(to_string(field.type)) + " " + Shape(field.shape).to_string();
}

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

std::string slot_suffix(std::size_t slot) { return "/slot" + std::to_string(slot); }

}  // namespace

void GpuPlan::check_rows(const StepInput& input) const {
  if (input.batch == nullptr) fail("a step needs a batch");
  if (input.first < 0 || input.rows < 0 || input.first + input.rows > input.batch->size()) {
    fail("rows " + std::to_string(input.first) + " to " + std::to_string(input.first + input.rows) +
         " are not in a batch of " + std::to_string(input.batch->size()));
  }
  if (input.rows > options_.batch_size) {
    fail("the plan was compiled for at most " + std::to_string(options_.batch_size) +
         " rows, not " + std::to_string(input.rows));
  }
}

void GpuPlan::bring(const StepInput& input, std::initializer_list<Part> parts, bool labels) {
  check_stop();
  check_rows(input);
  for (const Program::Input& to : program_.inputs) check_input(to, input);
  cpu::Labels given;
  if (labels) given = loss().bind(input, options_.label_field);
  if (input.rows == 0) return;
  const bool targets = given.targets != nullptr, weighted = given.weights != nullptr;
  if (labels && (targets != targets_ || weighted != weighted_)) {
    recordings_.clear();  // which read the other kind
  }
  if (labels) targets_ = targets;
  if (labels) weighted_ = weighted;
  for (const Part part : parts) {
    const std::size_t pieces = part == Part::piece ? pieces_.size() : 1;
    for (std::size_t piece = 0; piece < pieces; ++piece) make_ready(part, input.rows, piece);
  }
  for (const Program::Input& to : program_.inputs) bring_input(to, input);
  if (labels && options_.loss.kind != LossKind::own) bring_labels(given, input.rows);
  StepScalars scalars;
  const auto key = philox4x32({low(input.step), high(input.step), stream_id("dropout"), 0},
                              {low(input.seed), high(input.seed)});
  scalars.dropout_key[0] = key[0];
  scalars.dropout_key[1] = key[1];
  scalars.global_first = input.global_first;
  scalars.valid = std::clamp<std::int64_t>(input.batch->valid_rows() - input.first, 0, input.rows);
  scalars.scale = 1.0f / static_cast<float>(std::max<std::int64_t>(input.global_rows, 1));
  engine_->copy_in(step_.memory.get(), &scalars, sizeof scalars);
}

void GpuPlan::check_input(const Program::Input& to, const StepInput& input) const {
  const BatchSpec& spec = input.batch->spec();
  const FieldSpec& field = spec.fields[spec.index_of(to.field)];
  const bool known_type = field.type == ElementType::f32 || field.type == ElementType::u8;
  if (!known_type || Shape(field.shape) != to.shape) {
    fail("batch field " + to.field + " is " + describe(field) + ", but the model needs f32 or u8 " +
         to.shape.to_string());
  }
}

// As the model wants it at once, if the copy can make that of it; else by way of raw_.
void GpuPlan::bring_input(const Program::Input& to, const StepInput& input) {
  const std::size_t index = input.batch->spec().index_of(to.field);
  const FieldSpec& field = input.batch->spec().fields[index];
  const Array place = pass(input.rows, false).array(to.view);
  const bool is_f32 = field.type == ElementType::f32;
  const DeviceRows* const rows = input.batch->device();
  bool is_made = is_f32 && to.view.type == Type::f32 && to.pitch == to.channels;
  if (rows != nullptr) {
    is_made = is_f32;
    DeviceTarget target;
    target.data = is_made ? static_cast<std::byte*>(place.data) : raw_.memory.get();
    target.first = input.first;
    target.rows = input.rows;
    if (is_made && to.view.type == Type::bf16) target.type = ElementType::bf16;
    if (is_made && to.pitch != to.channels) target.channel_pitch = static_cast<int>(to.pitch);
    target.bytes = rows->bytes(index, target);
    rows->deliver(index, target, engine_->stream());
  } else {
    const FieldView view = input.batch->field(index);
    const std::byte* from = view.data + static_cast<std::size_t>(input.first) * field.row_bytes();
    engine_->copy_in(is_made ? place.data : raw_.memory.get(), from,
                     static_cast<std::size_t>(input.rows) * field.row_bytes());
  }
  if (is_made) return;
  Refit refit;
  refit.groups = input.rows * to.shape.elements() / to.channels;
  refit.from_width = static_cast<std::uint32_t>(to.channels);
  refit.to_width = static_cast<std::uint32_t>(to.pitch);
  refit.from = {raw_.memory.get(), is_f32 ? Type::f32 : Type::u8, 0};
  refit.to = place;
  engine_->run(refit);
}

void GpuPlan::bring_labels(const cpu::Labels& labels, std::int64_t rows) {
  const auto count = static_cast<std::size_t>(rows);
  if (labels.targets != nullptr) {
    const auto width = static_cast<std::size_t>(program_.output.elements());
    engine_->copy_in(labels_.memory.get(), labels.targets, count * width * sizeof(float));
  } else {
    engine_->copy_in(labels_.memory.get(), labels.indices, count * sizeof(std::int32_t));
  }
  if (labels.weights != nullptr) {
    engine_->copy_in(weights_.memory.get(), labels.weights, count * sizeof(float));
  }
}

std::vector<float> GpuPlan::host_copy(const Buffer& buffer, std::size_t floats) const {
  std::vector<float> values(floats);
  if (floats > 0) engine_->copy_out(values.data(), buffer.memory.get(), floats * sizeof(float));
  return values;
}

std::vector<NamedTensor> GpuPlan::parameters() const {
  return arena_.read(host_copy(parameters_, arena_.size_of_all()).data());
}

void GpuPlan::set_parameters(std::span<const NamedTensor> parameters) {
  std::vector<float> values(arena_.size_of_all());
  arena_.write_all(parameters, {""}, {values.data()});
  engine_->copy_in(parameters_.memory.get(), values.data(), parameters_.bytes);
  if (has_averages()) {
    engine_->copy_in(slots_.back().memory.get(), values.data(), slots_.back().bytes);
  }
  halve();
}

void GpuPlan::halve() {
  if (halves_.bytes == 0) return;
  Halve kernel;
  kernel.size = static_cast<std::int64_t>(arena_.size());
  kernel.from = parameters_.as();
  kernel.to = halves_.as<std::uint16_t>();
  engine_->run(kernel);
}

bool GpuPlan::has_averages() const {
  return !slots_.empty() && update_options(options_.optimizer).use_ema;
}

// What is not trained has no average.
void GpuPlan::swap_averages() {
  if (!has_averages() || arena_.size() == 0) return;
  Exchange exchange;
  exchange.size = static_cast<std::int64_t>(arena_.size());
  exchange.one = parameters_.as();
  exchange.other = slots_.back().as();
  engine_->run(exchange);
  halve();
}

std::vector<NamedTensor> GpuPlan::optimizer_state() const {
  std::vector<NamedTensor> tensors;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    const std::vector<float> values = host_copy(slots_[slot], arena_.size());
    for (NamedTensor& tensor : arena_.read(values.data(), slot_suffix(slot))) {
      tensors.push_back(std::move(tensor));
    }
  }
  return tensors;
}

void GpuPlan::set_optimizer_state(std::span<const NamedTensor> state) {
  std::vector<std::string> suffixes;
  std::vector<std::vector<float>> values(slots_.size(), std::vector<float>(arena_.size()));
  std::vector<float*> arenas;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    suffixes.push_back(slot_suffix(slot));
    arenas.push_back(values[slot].data());
  }
  arena_.write_all(state, suffixes, arenas);
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    engine_->copy_in(slots_[slot].memory.get(), values[slot].data(), slots_[slot].bytes);
  }
}

}  // namespace headrace::gpu
