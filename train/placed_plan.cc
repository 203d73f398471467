#include "headrace/train/placed_plan.h"

#include <algorithm>
#include <map>

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
  return options;
}

}  // namespace

PlacedPlan::PlacedPlan(const Graph& graph, const PlanOptions& options, const PartFactory& make_part)
    : graph_(graph),
      options_(options),
      store_(graph, options),
      team_(options.threads),
      gradients_(options.training ? store_.arena().size() : 0),
      uses_(graph.layers().size()),
      threads_(devices_of(graph).size()) {
  GraphParts made = cut(graph);
  const std::vector<DeviceId> devices = devices_of(graph);
  const PlanOptions part_options = options_of_part(options, devices);
  make_mailboxes(made.crossings);
  for (std::size_t number = 0; number < made.parts.size(); ++number) {
    Part part;
    part.graph = std::move(made.parts[number]);
    part.plan = make_part(part.graph, part_options, links_of(part.graph, number, made.crossings));
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
  for (const Crossing& crossing : made.crossings) {
    for (const std::size_t reader : crossing.readers) {
      parts_[reader].makers.push_back(crossing.maker);
      parts_[crossing.maker].readers.push_back(reader);
    }
  }
  make_turns();
}

PlacedPlan::~PlacedPlan() = default;

void PlacedPlan::make_mailboxes(const std::vector<Crossing>& crossings) {
  for (const Crossing& crossing : crossings) {
    const auto size = static_cast<std::size_t>(options_.batch_size * crossing.shape.elements());
    Mailbox& mailbox = mailboxes_.emplace_back();
    mailbox.values = cpu::AlignedBuffer<float>(size);
    if (!options_.training || !crossing.needs_gradient) continue;
    for (std::size_t i = 0; i < crossing.readers.size(); ++i) mailbox.gradients.emplace_back(size);
  }
}

PartLinks PlacedPlan::links_of(const GraphPart& part, std::size_t number,
                               const std::vector<Crossing>& crossings) {
  PartLinks links;
  for (const GraphPart::Port& port : part.inputs) {
    const auto& readers = crossings[port.crossing].readers;
    const auto reader = static_cast<std::size_t>(std::find(readers.begin(), readers.end(), number) -
                                                 readers.begin());
    Mailbox& mailbox = mailboxes_[port.crossing];
    float* const gradients = mailbox.gradients.empty() ? nullptr : mailbox.gradients[reader].data();
    links.inputs.push_back({mailbox.values.data(), gradients});
  }
  for (const GraphPart::Port& port : part.outputs) {
    Mailbox& mailbox = mailboxes_[port.crossing];
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

// A step is a turn for each part's forward pass, in the order of parts, then one for each one's
// backward pass, from the last to the first; the last part does both in one.
void PlacedPlan::make_turns() {
  const std::size_t count = parts_.size();
  for (std::size_t part = 0; part < count; ++part) {
    DeviceThreads::Turn turn;
    turn.device = parts_[part].device;
    turn.after = parts_[part].makers;
    turn.work = [this, part] { take_turn(part, false); };
    forward_.push_back(std::move(turn));
  }
  step_ = forward_;
  for (std::size_t part = count - 1; part-- > 0;) {
    DeviceThreads::Turn turn;
    turn.device = parts_[part].device;
    for (const std::size_t reader : parts_[part].readers) {
      turn.after.push_back(passes() - 1 - reader);
    }
    turn.work = [this, part] { take_turn(part, true); };
    step_.push_back(std::move(turn));
  }
}

void PlacedPlan::take_turn(std::size_t number, bool backward) {
  Part& part = parts_[number];
  if (device_listener_) {
    device_listener_({to_string(part.graph.device), part.graph.layers, backward});
  }
  if (backward) {
    part.plan->backward();
  } else {
    part.plan->forward(*input_, work_, predictions_);
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
  const bool takes = std::any_of(parts_.begin(), parts_.end(),
                                 [](const Part& part) { return part.plan->takes_statistics(); });
  for (Part& part : parts_) {
    part.plan->set_stop_flag(statistics_reducer_ && takes ? nullptr : stop_);
  }
  const std::size_t last = parts_.size() - 1;
  threads_.run(work == Work::train ? step_ : forward_, [&](std::size_t turn) {
    if (work == Work::train && turn >= last) collect_gradients(passes() - 1 - turn);
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
    for (const Copy& copy : part.copies) {
      std::copy_n(store_.data() + copy.whole, copy.size,
                  part.plan->parameters().data() + copy.here);
    }
    part.plan->parameters_have_changed();
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
      cpu::add(part.plan->gradients().data() + copy.here, copy.size,
               gradients_.data() + copy.whole);
    }
  }
  final_ = last;
  if (gradient_listener_) gradient_listener_(first, last);
}

void PlacedPlan::set_statistics_reducer(StatisticsReducer reducer) {
  statistics_reducer_ = std::move(reducer);
  for (Part& part : parts_) {
    if (!statistics_reducer_) {
      part.plan->set_statistics_reducer({});
      continue;
    }
    part.plan->set_statistics_reducer([this](std::span<float> values) {
      threads_.on_caller([&] { statistics_reducer_(values); });
    });
  }
}

// A layer that several parts use takes in the statistics of each, one after the other.
void PlacedPlan::update(double learning_rate, std::uint64_t step) {
  store_.update(learning_rate, step, gradients_.data(), team_);
  for (Part& part : parts_) {
    float* const here = part.plan->parameters().data();
    const auto copy_all = [&](bool back) {
      for (const Copy& copy : part.copies) {
        if (copy.trainable) continue;
        float *const one = here + copy.here, *const other = store_.data() + copy.whole;
        std::copy_n(back ? one : other, copy.size, back ? other : one);
      }
    };
    copy_all(false);
    part.plan->update_statistics();
    copy_all(true);
  }
}

bool PlacedPlan::gradients_are_finite() { return cpu::all_finite(gradients_.span(), team_); }

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
  for (Part& part : parts_) part.plan->start_profile();
}

std::vector<OperationTime> PlacedPlan::profile() const {
  std::vector<OperationTime> times;
  for (const Part& part : parts_) {
    const auto own = part.plan->profile();
    times.insert(times.end(), own.begin(), own.end());
  }
  return add_up(times);
}

std::size_t PlacedPlan::memory_bytes() const {
  std::size_t bytes = store_.bytes() + gradients_.bytes();
  for (const Mailbox& mailbox : mailboxes_) {
    bytes += mailbox.values.bytes();
    for (const auto& gradients : mailbox.gradients) bytes += gradients.bytes();
  }
  for (const Part& part : parts_) bytes += part.plan->memory_bytes();
  return bytes;
}

}  // namespace headrace
