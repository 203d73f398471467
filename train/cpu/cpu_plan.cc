#include "headrace/train/cpu/cpu_plan.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/find_non_finite.h"

namespace headrace::cpu {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

}  // namespace

void check_training(const PlanOptions& options, const StepInput& input) {
  if (!options.training) fail("this plan was compiled for inference: it cannot train");
  if (input.rows > 0 && input.global_rows < input.rows) {
    fail("global_rows counts the rows of all replicas: it is not below this one's");
  }
}

void check_output(const StepInput& input, std::int64_t elements, std::size_t output_size) {
  const auto size = static_cast<std::size_t>(input.rows * elements);
  if (output_size == size) return;
  fail("predict() needs room for " + std::to_string(size) + " values, got " +
       std::to_string(output_size));
}

CpuPlan::CpuPlan(const Graph& graph, const PlanOptions& options)
    : graph_(graph),
      options_(options),
      store_(graph, options),
      executor_(graph, store_.arena(), options) {
  if (options.training) loss();
}

CpuPlan::~CpuPlan() = default;

const LossStep& CpuPlan::loss() {
  if (!loss_) loss_.emplace(graph_, options_.loss, options_.metrics);
  return *loss_;
}

Executor::Job CpuPlan::job(const StepInput& input, const BoundBatch& bound) const {
  Executor::Job job;
  job.input = &input;
  job.bound = &bound;
  job.parameters = store_.data();
  job.version = store_.version();
  return job;
}

void CpuPlan::forward_backward(const StepInput& input) {
  check_training(options_, input);
  const BoundBatch bound = bind_batch(executor_.program(), input, options_.batch_size);
  Executor::Job job = this->job(input, bound);
  job.loss = &loss();
  job.labels = loss().bind(input, options_.label_field);
  job.training = true;
  executor_.run(job);
}

void CpuPlan::evaluate(const StepInput& input) {
  const BoundBatch bound = bind_batch(executor_.program(), input, options_.batch_size);
  Executor::Job job = this->job(input, bound);
  job.loss = &loss();
  job.labels = loss().bind(input, options_.label_field);
  executor_.run(job);
}

void CpuPlan::predict(const StepInput& input, std::span<float> output) {
  const BoundBatch bound = bind_batch(executor_.program(), input, options_.batch_size);
  check_output(input, executor_.program().output.elements(), output.size());
  Executor::Job job = this->job(input, bound);
  job.predictions = output.data();
  executor_.run(job);
}

void CpuPlan::update(double learning_rate, std::uint64_t step) {
  const ProfileSpan measured = executor_.span(OperationKind::update, Phase::backward);
  store_.update(learning_rate, step, executor_.gradients().data(), executor_.team());
  executor_.update_statistics(store_.data());
}

bool CpuPlan::gradients_are_finite(bool changed) {
  if (!changed && executor_.adds_up_gradients()) return executor_.gradients_were_finite();
  const ProfileSpan measured = executor_.span(OperationKind::gradients, Phase::backward);
  return all_finite(executor_.gradients(), executor_.team());
}

std::string CpuPlan::find_non_finite(const StepInput& input) {
  const auto compile = [&](const Graph& graph, std::int64_t rows) {
    PlanOptions options = options_;
    options.batch_size = rows;
    options.training = false;
    return std::make_unique<CpuPlan>(graph, options);
  };
  std::vector<NamedTensor> gradients;
  if (options_.training) gradients = store_.arena().read(executor_.gradients().data(), "/gradient");
  return headrace::find_non_finite(graph_, parameters(), gradients, input, options_.label_field,
                                   compile);
}

}  // namespace headrace::cpu
