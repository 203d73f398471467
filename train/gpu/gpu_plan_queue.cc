// Steps that are taken whole, and what is read of steps: metrics, and whether all was finite.
#include <cstddef>
#include <cstring>

#include "headrace/pipeline/error.h"
#include "headrace/train/gpu/gpu_plan.h"

namespace headrace::gpu {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

}  // namespace

// A loss of the user's own is computed by the host, which no step can go past.
StepQueue* GpuPlan::step_queue() {
  return options_.training && options_.loss.kind != LossKind::own ? this : nullptr;
}

void GpuPlan::push(const StepInput& input, double learning_rate, std::uint64_t step) {
  check_training(input);
  if (input.rows < 1) fail("a step that is queued needs rows");
  if (size() == capacity()) {
    fail(std::to_string(capacity()) + " steps are under way: ask for the outcome of one first");
  }
  while (readings_.size() < capacity()) readings_.push_back(engine_->make_reading(result_.bytes));
  bring(input, {Part::whole}, true);
  optimizer_->set(learning_rate, step);
  play(Part::whole, input.rows);
  readings_[pushed_ % capacity()]->begin(result_.memory.get());
  ++pushed_;
  gradients_are_of_queue_ = true;
  host_gradients_.clear();
  host_is_ahead_ = false;
}

StepQueue::Outcome GpuPlan::pop() {
  if (size() == 0) fail("no step is under way whose outcome could be asked for");
  const std::byte* const bytes = readings_[popped_ % capacity()]->wait();
  ++popped_;
  StepResult found;
  std::memcpy(&found, bytes, sizeof found);
  if (found.halt != 0) {
    popped_ = pushed_;
    engine_->clear(&result()->halt, sizeof found.halt);
  }
  return {sums_of(found, bytes + sizeof found), found.halt == 0};
}

double* GpuPlan::confusion() const {
  if (confusion_bytes_ == 0) return nullptr;
  return reinterpret_cast<double*>(result_.memory.get() + sizeof(StepResult));
}

MetricSums GpuPlan::sums_of(const StepResult& found, const std::byte* matrix) const {
  MetricSums sums;
  sums.loss = found.sums.at[RowSums::loss];
  sums.correct = found.sums.at[RowSums::correct];
  sums.samples = found.sums.at[RowSums::samples];
  sums.top_k_correct = found.sums.at[RowSums::top_k];
  if (confusion_bytes_ > 0 && sums.samples > 0) {
    sums.confusion.resize(confusion_bytes_ / sizeof(double));
    std::memcpy(sums.confusion.data(), matrix, confusion_bytes_);
  }
  return sums;
}

MetricSums GpuPlan::metrics() {
  std::vector<std::byte> bytes(result_.bytes);
  engine_->copy_out(bytes.data(), result_.memory.get(), bytes.size());
  StepResult found;
  std::memcpy(&found, bytes.data(), sizeof found);
  MetricSums sums = own_sums_;
  return sums += sums_of(found, bytes.data() + sizeof found);
}

void GpuPlan::reset_metrics() {
  own_sums_ = {};
  engine_->clear(&result()->sums, result_.bytes - offsetof(StepResult, sums));
}

// What was done to gradients on the host, back to where the step is taken.
void GpuPlan::bring_gradients() {
  if (!host_is_ahead_) return;
  engine_->copy_in(gradients_.memory.get(), host_gradients_.data(), gradients_.bytes);
  host_is_ahead_ = false;
}

bool GpuPlan::gradients_are_finite(bool) {
  if (!optimizer_) return true;
  bring_gradients();
  engine_->clear(found_.memory.get(), found_.bytes);
  optimizer_->measure(gradients_.as(), found_.as<std::uint32_t>());
  std::uint32_t found = 0;
  engine_->copy_out(&found, found_.memory.get(), sizeof found);
  return found == 0;
}

}  // namespace headrace::gpu
