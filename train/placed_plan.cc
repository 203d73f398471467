#include "headrace/train/placed_plan.h"

#include <algorithm>
#include <map>

#include "headrace/pipeline/shard.h"
#include "headrace/train/cpu/cpu_plan.h"
#include "headrace/train/cpu/elementwise.h"
#include "headrace/train/find_non_finite.h"
#include "headrace/train/placement.h"

namespace headrace {
namespace {

// Threads are shared among the devices that compute with them.
PlanOptions options_of_part(PlanOptions options, const std::vector<DeviceId>& devices) {
  const auto cpus = std::count_if(devices.begin(), devices.end(), [](const DeviceId& device) {
    return device.kind == DeviceKind::cpu;
  });
  options.threads = std::max(1, options.threads / std::max(1, static_cast<int>(cpus)));
  options.batch_size = (options.batch_size + options.micro_batches - 1) / options.micro_batches;
  return options;
}

}  // namespace

PlacedPlan::PlacedPlan(const Graph& graph, const PlanOptions& options, const PartFactory& make_part)
    : graph_(graph),
      options_(options),
      store_(graph, options),
      team_(options.threads),
      gradients_(options.training ? store_.arena().size() : 0),
      micro_batches_(static_cast<std::size_t>(std::max(options.micro_batches, 1))),
      uses_(graph.layers().size()),
      threads_(devices_of(graph).size()) {
  GraphParts made = cut(graph);
  const std::vector<DeviceId> devices = devices_of(graph);
  for (GraphPart& each : made.parts) {
    Part part;
    part.graph = std::move(each);
    part.copies = copies_of(part.graph.graph);
    part.device = static_cast<std::size_t>(
        std::find(devices.begin(), devices.end(), part.graph.device) - devices.begin());
    for (const auto& entry : part.graph.graph.layers()) {
      const auto same = [&](const auto& other) { return other.name == entry.name; };
      const auto layer = std::find_if(graph.layers().begin(), graph.layers().end(), same);
      part.layers.push_back(static_cast<std::size_t>(layer - graph.layers().begin()));
      ++uses_[part.layers.back()];
    }
    parts_.push_back(std::move(part));
  }
  PartMakers makers(parts_.size());
  for (const Crossing& crossing : made.crossings) {
    for (const std::size_t reader : crossing.readers) makers[reader].push_back(crossing.maker);
  }
  forward_order_ = pipeline_order(makers, micro_batches_, false);
  step_order_ = pipeline_order(makers, micro_batches_, true);
  make_lanes(made.crossings, options_of_part(options, devices), make_part);
  forward_ = turns_of(forward_order_);
  step_ = turns_of(step_order_);
}

PlacedPlan::~PlacedPlan() = default;

PlacedPlan::Mailboxes PlacedPlan::make_mailboxes(const std::vector<Crossing>& crossings,
                                                 std::int64_t rows) const {
  Mailboxes mailboxes;
  for (const Crossing& crossing : crossings) {
    const auto size = static_cast<std::size_t>(rows * crossing.shape.elements());
    Mailbox& mailbox = mailboxes.emplace_back();
    mailbox.values = cpu::AlignedBuffer<float>(size);
    if (!options_.training || !crossing.needs_gradient) continue;
    for (std::size_t i = 0; i < crossing.readers.size(); ++i) mailbox.gradients.emplace_back(size);
  }
  return mailboxes;
}

void PlacedPlan::make_lanes(const std::vector<Crossing>& crossings, const PlanOptions& options,
                            const PartFactory& make_part) {
  for (std::size_t lane = 0; lane < step_order_.lanes; ++lane) {
    mailboxes_.push_back(make_mailboxes(crossings, options.batch_size));
    for (std::size_t number = 0; number < parts_.size(); ++number) {
      Part& part = parts_[number];
      PartLinks links = links_of(part.graph, number, crossings, mailboxes_.back());
      part.lanes.push_back(make_part(part.graph, options, std::move(links)));
      if (lane > 0 || micro_batches_ == 1 || !options.training) continue;
      part.sums = cpu::AlignedBuffer<float>(part.lanes[0]->gradients().size());
    }
  }
}

PartLinks PlacedPlan::links_of(const GraphPart& part, std::size_t number,
                               const std::vector<Crossing>& crossings, Mailboxes& mailboxes) {
  PartLinks links;
  for (const GraphPart::Port& port : part.inputs) {
    const auto& readers = crossings[port.crossing].readers;
    const auto reader = static_cast<std::size_t>(std::find(readers.begin(), readers.end(), number) -
                                                 readers.begin());
    Mailbox& mailbox = mailboxes[port.crossing];
    float* const gradients = mailbox.gradients.empty() ? nullptr : mailbox.gradients[reader].data();
    links.inputs.push_back({mailbox.values.data(), gradients});
  }
  for (const GraphPart::Port& port : part.outputs) {
    Mailbox& mailbox = mailboxes[port.crossing];
    PartLinks::Output& output = links.outputs.emplace_back();
    output.values = mailbox.values.data();
    for (const auto& gradients : mailbox.gradients) output.gradients.push_back(gradients.data());
  }
  return links;
}

std::vector<PlacedPlan::Copy> PlacedPlan::copies_of(const Graph& graph) const {
  const cpu::ParameterArena &whole = store_.arena(), here(graph);
  std::map<std::string, std::size_t> entries;
  for (std::size_t entry = 0; entry < whole.entries(); ++entry) {
    entries[whole.name(entry)] = entry;
  }
  std::vector<Copy> copies;
  for (std::size_t entry = 0; entry < here.entries(); ++entry) {
    copies.push_back({here.place_of(entry), whole.place_of(entries.at(here.name(entry))),
                      here.elements(entry), here.is_trainable(entry)});
  }
  return copies;
}

std::vector<DeviceThreads::Turn> PlacedPlan::turns_of(const PipelineOrder& order) {
  std::vector<DeviceThreads::Turn> turns;
  for (const PipelinePass& pass : order.passes) {
    DeviceThreads::Turn turn;
    turn.device = parts_[pass.part].device;
    turn.after = pass.after;
    turn.work = [this, &pass] { take_turn(pass); };
    turns.push_back(std::move(turn));
  }
  return turns;
}

// No other is larger than the last one, whose statistics count.
StepInput PlacedPlan::rows_of(std::size_t micro_batch) const {
  const Share share = share_of(input_->rows, {.rank = static_cast<int>(micro_batch),
                                              .world_size = static_cast<int>(micro_batches_)});
  StepInput input = *input_;
  input.first += share.first;
  input.global_first += share.first;
  input.rows = share.samples;
  return input;
}

void PlacedPlan::take_turn(const PipelinePass& pass) {
  Part& part = parts_[pass.part];
  DeviceTurn turn{to_string(part.graph.device), part.graph.layers, pass.backward};
  if (device_listener_) device_listener_(turn);
  PlanPart& plan = *part.lanes[lane_of(pass.micro_batch)];
  if (pass.backward) {
    plan.backward();
  } else {
    const StepInput input = rows_of(pass.micro_batch);
    const auto width = static_cast<std::size_t>(graph_.shape(graph_.output()).elements());
    const auto first = static_cast<std::size_t>(input.first - input_->first) * width;
    const auto size = static_cast<std::size_t>(input.rows) * width;
    plan.forward(input, work_,
                 predictions_.empty() ? predictions_ : predictions_.subspan(first, size));
  }
  if (work_ == Work::train && (pass.backward || pass.part + 1 == parts_.size()))
    add_gradients(part, pass);
  turn.is_over = true;
  if (device_listener_) device_listener_(turn);
}

void PlacedPlan::add_gradients(Part& part, const PipelinePass& pass) const {
  if (micro_batches_ == 1) return;
  const std::span<const float> gradients = part.lanes[lane_of(pass.micro_batch)]->gradients();
  if (pass.micro_batch == 0) {
    std::copy(gradients.begin(), gradients.end(), part.sums.data());
  } else {
    cpu::add(gradients.data(), gradients.size(), part.sums.data());
  }
}

void PlacedPlan::run(const StepInput& input, Work work, std::span<float> predictions) {
  input_ = &input;
  work_ = work;
  predictions_ = predictions;
  bring_parameters();
  waits_for_ = uses_;
  open_layer_ = store_.arena().layers() - 1;
  final_ = 0;
  // Other replicas wait for this one's statistics, whatever part takes them.
  const bool takes = std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.lanes.front()->takes_statistics();
  });
  for (Part& part : parts_) {
    for (auto& plan : part.lanes) {
      plan->set_stop_flag(statistics_reducer_ && takes ? nullptr : stop_);
    }
  }
  const bool trains = work == Work::train;
  threads_.run(trains ? step_ : forward_, [&](std::size_t turn) {
    if (!trains) return;
    const PipelinePass& pass = step_order_.passes[turn];
    const bool made_gradients = pass.backward || pass.part + 1 == parts_.size();
    if (made_gradients && pass.micro_batch + 1 == micro_batches_) collect_gradients(pass.part);
  });
}

void PlacedPlan::forward_backward(const StepInput& input) {
  cpu::check_training(options_, input);
  run(input, Work::train, {});
}

void PlacedPlan::predict(const StepInput& input, std::span<float> output) {
  cpu::check_output(input, graph_.shape(graph_.output()).elements(), output.size());
  run(input, Work::predict, output);
}

void PlacedPlan::bring_parameters() {
  if (brought_ == store_.version()) return;
  for (Part& part : parts_) {
    for (auto& plan : part.lanes) {
      for (const Copy& copy : part.copies) {
        std::copy_n(store_.data() + copy.whole, copy.size, plan->parameters().data() + copy.here);
      }
      plan->parameters_have_changed();
    }
  }
  brought_ = store_.version();
}

// That part has gone backward. The arena begins with the last layer; what all parts that use it
// have done is final.
void PlacedPlan::collect_gradients(std::size_t number) {
  for (const std::size_t layer : parts_[number].layers) --waits_for_[layer];
  while (open_layer_ >= 0 && waits_for_[static_cast<std::size_t>(open_layer_)] == 0) --open_layer_;
  const std::size_t first = final_, last = store_.arena().end(open_layer_ + 1);
  if (first == last) return;
  std::fill(gradients_.data() + first, gradients_.data() + last, 0.0f);
  for (Part& part : parts_) {
    for (const Copy& copy : part.copies) {
      if (!copy.trainable || copy.whole < first || copy.whole >= last) continue;
      cpu::add(part.gradients().data() + copy.here, copy.size, gradients_.data() + copy.whole);
    }
  }
  final_ = last;
  if (gradient_listener_) gradient_listener_(first, last);
}

void PlacedPlan::set_statistics_reducer(StatisticsReducer reducer) {
  statistics_reducer_ = std::move(reducer);
  for (Part& part : parts_) {
    for (auto& plan : part.lanes) {
      if (!statistics_reducer_) {
        plan->set_statistics_reducer({});
        continue;
      }
      plan->set_statistics_reducer([this](std::span<float> values) {
        threads_.on_caller([&] { statistics_reducer_(values); });
      });
    }
  }
}

// A layer that several parts use takes in the statistics of each, one after the other.
void PlacedPlan::update(double learning_rate, std::uint64_t step) {
  store_.update(learning_rate, step, gradients_.data(), team_);
  for (Part& part : parts_) {
    PlanPart& plan = *part.lanes[lane_of(micro_batches_ - 1)];
    float* const here = plan.parameters().data();
    const auto copy_all = [&](bool back) {
      for (const Copy& copy : part.copies) {
        if (copy.trainable) continue;
        float *const one = here + copy.here, *const other = store_.data() + copy.whole;
        std::copy_n(back ? one : other, copy.size, back ? other : one);
      }
    };
    copy_all(false);
    plan.update_statistics();
    copy_all(true);
  }
}

bool PlacedPlan::gradients_are_finite(bool /*changed*/) {
  return cpu::all_finite(gradients_.span(), team_);
}

std::string PlacedPlan::find_non_finite(const StepInput& input) {
  const auto compile = [&](const Graph& graph, std::int64_t rows) {
    PlanOptions options = options_;
    options.batch_size = rows;
    options.training = false;
    return std::make_unique<cpu::CpuPlan>(without_placement(graph), options);
  };
  std::vector<NamedTensor> gradients;
  if (options_.training) gradients = store_.arena().read(gradients_.data(), "/gradient");
  return headrace::find_non_finite(graph_, parameters(), gradients, input, options_.label_field,
                                   compile);
}

void PlacedPlan::start_profile() {
  for (Part& part : parts_) {
    for (auto& plan : part.lanes) plan->start_profile();
  }
}

std::vector<OperationTime> PlacedPlan::profile() const {
  std::vector<OperationTime> times;
  for (const Part& part : parts_) {
    for (const auto& plan : part.lanes) {
      const auto own = plan->profile();
      times.insert(times.end(), own.begin(), own.end());
    }
  }
  return add_up(times);
}

std::size_t PlacedPlan::memory_bytes() const {
  std::size_t bytes = store_.bytes() + gradients_.bytes();
  for (const Mailboxes& lane : mailboxes_) {
    for (const Mailbox& mailbox : lane) {
      bytes += mailbox.values.bytes();
      for (const auto& gradients : mailbox.gradients) bytes += gradients.bytes();
    }
  }
  for (const Part& part : parts_) {
    bytes += part.sums.bytes();
    for (const auto& plan : part.lanes) bytes += plan->memory_bytes();
  }
  return bytes;
}

MetricSums PlacedPlan::metrics() {
  MetricSums sums;
  for (auto& plan : parts_.back().lanes) sums += plan->metrics();
  return sums;
}

void PlacedPlan::reset_metrics() {
  for (auto& plan : parts_.back().lanes) plan->reset_metrics();
}

}  // namespace headrace
