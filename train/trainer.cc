#include "headrace/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/worker_budget.h"
#include "headrace/train/initial_parameters.h"
#include "headrace/train/layers/batch_normalization.h"
#include "headrace/train/trainer_impl.h"
#include "headrace/train/training_state_json.h"

namespace headrace {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::invalid_argument, what);
}

void check_learning_rate(double value) {
  require(std::isfinite(value) && value >= 0,
          "a learning rate of " + std::to_string(value) + ": it must be 0 or more");
}

TrainerOptions checked(TrainerOptions options) {
  require(options.batch_size >= 1, "a batch size of " + std::to_string(options.batch_size) +
                                       ": a batch needs at least one sample");
  require(options.replicas >= 1,
          std::to_string(options.replicas) + " replicas: a training needs at least one");
  require(options.accumulate >= 1,
          "batches in " + std::to_string(options.accumulate) + " parts: there is at least one");
  require(options.micro_batches >= 1,
          std::to_string(options.micro_batches) + " micro-batches: there is at least one");
  require(options.threads >= 0,
          std::to_string(options.threads) + " threads: give a number, or 0 for one for each core");
  require(options.rank_timeout.count() > 0, "the timeout of ranks must be positive");
  check(options.optimizer);
  if (options.schedule) check(*options.schedule);
  return options;
}

PlanOptions plan_options(const TrainerOptions& options, int ranks) {
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  PlanOptions plan;
  const std::int64_t share = (options.batch_size + ranks - 1) / ranks;
  plan.batch_size = (share + options.accumulate - 1) / options.accumulate;
  plan.micro_batches = options.micro_batches;
  plan.threads = std::max(1, threads / options.replicas);
  plan.training = true;
  plan.loss = options.loss;
  plan.optimizer = options.optimizer;
  plan.metrics = options.metrics;
  plan.precision = options.precision;
  return plan;
}

// Batch normalisation adds up over all ranks: what it normalises by, if it is synchronised, and its
// moving statistics at any rate.
bool takes_statistics(const Graph& graph) {
  return std::any_of(graph.layers().begin(), graph.layers().end(), [](const auto& entry) {
    return dynamic_cast<const BatchNormalization*>(entry.layer.get()) != nullptr;
  });
}

bool same_but_learning_rate(Optimizer a, Optimizer b) {
  set_learning_rate(a, 0);
  set_learning_rate(b, 0);
  return to_json(a) == to_json(b);
}

// The schedule that a restored training follows.
std::optional<Schedule> schedule_of(const TrainingState& state,
                                    const std::optional<Schedule>& own) {
  const std::string mine = own ? to_string(*own) : "";
  if (state.schedule.empty() || state.schedule == mine) return own;
  require(!own,
          "the state is of the schedule " + state.schedule + ", the trainer was made with " + mine);
  require(state.schedule != "function",
          "the state's schedule is a function of its caller's: make the trainer with it");
  return parse_schedule(state.schedule, 0, 1);
}

}  // namespace

Trainer::Impl::Impl(Graph model, TrainerOptions wishes, Backend& backend,
                    CommunicatorFactory factory)
    : graph(std::move(model)),
      options(checked(std::move(wishes))),
      communicators(std::move(factory)),
      threads(options.replicas) {
  auto group = make_group();
  const int ranks = group[0]->world_size();
  const bool statistics = ranks > 1 && takes_statistics(graph);
  const std::vector<NamedTensor> parameters = initial_parameters(graph, options.seed);
  const PlanOptions plan = plan_options(options, ranks);
  for (auto& communicator : group) {
    replicas.emplace_back(backend.compile(graph, plan), plan.batch_size, statistics);
    replicas.back().plan().set_parameters(parameters);
    replicas.back().join(std::move(communicator));
  }
}

std::vector<std::unique_ptr<Communicator>> Trainer::Impl::make_group() const {
  auto group = communicators(options.replicas);
  require(group.size() == static_cast<std::size_t>(options.replicas),
          "the communicators are not as many as the replicas");
  return group;
}

void Trainer::Impl::renew_group() {
  auto group = make_group();
  for (std::size_t i = 0; i < replicas.size(); ++i) replicas[i].join(std::move(group[i]));
}

void Trainer::Impl::require_usable() const {
  require(!weights_lost && !state_lost,
          "the trainer's replicas differ since a step failed: give it weights and state again, by "
          "set_parameters() and restore(), or make a new one");
}

void Trainer::Impl::set_stop_flag(const std::atomic<bool>* stop) {
  for (Replica& replica : replicas) replica.plan().set_stop_flag(stop);
}

double Trainer::Impl::rate() const {
  return options.schedule ? (*options.schedule)(epoch, total_steps)
                          : headrace::learning_rate(options.optimizer);
}

std::optional<MetricSums> Trainer::Impl::evaluate(const Batch* batch) {
  const ProcessShare share = batch != nullptr ? share_of(*batch) : ProcessShare{};
  StepReport report;
  try {
    on_every_replica([&](Replica& replica, int number) {
      const StepReport heard = replica.evaluate(share, settings());
      if (number == 0) report = heard;
    });
  } catch (...) {
    renew_group();
    throw;
  }
  if (report.stopped) return std::nullopt;
  return report.sums;
}

Trainer::Trainer(Graph graph, TrainerOptions options, Backend& backend,
                 CommunicatorFactory communicators)
    : impl_(std::make_unique<Impl>(std::move(graph), std::move(options), backend,
                                   std::move(communicators))) {}
Trainer::~Trainer() = default;

std::vector<float> Trainer::predict(const Batch& batch) {
  impl_->require_usable();
  const std::int64_t width = impl_->graph.shape(impl_->graph.output()).elements();
  std::vector<float> output(static_cast<std::size_t>(batch.size() * width));
  const WithAverages averages(impl_->replicas);
  impl_->on_every_replica([&](Replica& replica, int number) {
    replica.predict(batch, number, impl_->options.replicas, output);
  });
  return output;
}

int Trainer::process() const { return impl_->process(); }
int Trainer::processes() const { return impl_->processes(); }
const Graph& Trainer::graph() const { return impl_->graph; }
const History& Trainer::history() const { return impl_->history; }
bool Trainer::interrupted() const { return impl_->interrupted; }
std::uint64_t Trainer::total_steps() const { return impl_->total_steps; }
double Trainer::learning_rate() const { return impl_->rate(); }
void Trainer::stop_after_epoch() { impl_->stop_after_epoch = true; }
double Trainer::data_wait_seconds() const { return impl_->data_wait_seconds; }
ExchangeTimes Trainer::exchange_times() const { return impl_->replicas[0].exchange_times(); }

void Trainer::set_learning_rate(double value) {
  require(!impl_->options.schedule, "the learning rate follows a schedule: it cannot be set");
  check_learning_rate(value);
  headrace::set_learning_rate(impl_->options.optimizer, value);
}

std::vector<NamedTensor> Trainer::parameters() const {
  require(!impl_->weights_lost, "the weights are lost since a step failed");
  const WithAverages averages(impl_->replicas);
  return impl_->replicas[0].plan().parameters();
}

void Trainer::set_parameters(std::span<const NamedTensor> parameters) {
  for (Replica& replica : impl_->replicas) replica.plan().set_parameters(parameters);
  impl_->weights_lost = false;
  impl_->synchronized = false;
}

TrainingState Trainer::state() const {
  impl_->settle();
  impl_->require_usable();
  TrainingState state;
  state.optimizer = impl_->options.optimizer;
  {
    const WithAverages averages(impl_->replicas);
    state.optimizer_state = impl_->replicas[0].plan().optimizer_state();
  }
  if (impl_->options.schedule) state.schedule = to_string(*impl_->options.schedule);
  state.total_steps = impl_->total_steps;
  state.seed = impl_->options.seed;
  state.stream = impl_->stream.value_or(StreamState{});
  state.epoch_sums = impl_->epoch_sums;
  state.epoch_seconds = impl_->epoch_seconds;
  state.history = impl_->history;
  state.callbacks = impl_->callback_states();
  return state;
}

void Trainer::restore(const TrainingState& state) {
  require(same_but_learning_rate(state.optimizer, impl_->options.optimizer),
          "the state is of the optimizer " + to_json(state.optimizer) +
              ", the trainer was made with " + to_json(impl_->options.optimizer));
  impl_->settle_quietly();
  impl_->known = {};
  std::optional<Schedule> schedule = schedule_of(state, impl_->options.schedule);
  {
    const WithAverages averages(impl_->replicas);
    for (Replica& replica : impl_->replicas) {
      replica.plan().set_optimizer_state(state.optimizer_state);
    }
  }
  impl_->options.schedule = std::move(schedule);
  impl_->epoch = state.stream.position.epoch;
  impl_->callbacks = state.callbacks;
  impl_->options.optimizer = state.optimizer;
  impl_->options.seed = state.seed;
  impl_->total_steps = state.total_steps;
  impl_->stream = state.stream;
  // A training by train_step() alone has seen no stream.
  if (state.stream.position == Position{} && state.stream.fingerprint == 0) impl_->stream.reset();
  impl_->epoch_sums = state.epoch_sums;
  impl_->epoch_seconds = state.epoch_seconds;
  impl_->history = state.history;
  impl_->restored = true;
  impl_->state_lost = false;
  impl_->synchronized = false;
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint checkpoint;
  checkpoint.graph = impl_->graph;
  checkpoint.loss = impl_->options.loss;
  checkpoint.training = state();
  checkpoint.parameters = parameters();
  return checkpoint;
}

std::size_t Trainer::memory_bytes() const {
  std::size_t bytes = 0;
  for (const Replica& replica : impl_->replicas) bytes += replica.plan().memory_bytes();
  return bytes;
}

void Trainer::start_profile() {
  for (Replica& replica : impl_->replicas) replica.plan().start_profile();
}

std::vector<OperationTime> Trainer::profile() const {
  std::vector<OperationTime> times;
  for (const Replica& replica : impl_->replicas) {
    const auto own = replica.plan().profile();
    times.insert(times.end(), own.begin(), own.end());
  }
  return add_up(times);
}

}  // namespace headrace
