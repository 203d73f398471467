#include "headrace/train/reference/reference_model.h"

#include <stdexcept>

#include "headrace/train/reference/reference_batch_normalization.h"
#include "headrace/train/reference/reference_kernels.h"
#include "headrace/train/reference/reference_loss.h"
#include "headrace/train/reference/reference_optimizer.h"

namespace headrace::reference {

// One step of all replicas, node by node.
class Step {
 public:
  Step(const Model& model, const Samples& samples, const DropoutStep* training, int replicas);
  Result run();

 private:
  struct Replica {
    std::int64_t first = 0;
    std::int64_t rows = 0;
    std::vector<Values> values;  // of each node, as are the next two
    std::vector<Values> slopes;
    std::vector<Statistics> statistics;
    std::vector<Values> gradients;
  };
  using Group = std::span<Replica>;

  const Graph::Node& node(std::size_t id) const { return model_.graph_.nodes()[id]; }
  const BatchNormalization* normalization(std::size_t id) const;
  Use use_of(std::size_t id, const Replica& replica) const;
  std::vector<const Values*> inputs_of(std::size_t id, const Replica& replica) const;
  std::span<Values> gradients_of(std::size_t id, Replica& replica) const;
  std::vector<Group> groups(const BatchNormalization& layer);
  void forward(std::size_t id);
  void backward(std::size_t id);
  void normalize_group(std::size_t id, const BatchNormalization& layer, Group group);
  void normalize_group_backward(std::size_t id, const BatchNormalization& layer, Group group);
  void move_statistics(std::size_t id, const BatchNormalization& layer);

  const Model& model_;
  const Samples& samples_;
  const DropoutStep* training_;
  std::vector<Replica> replicas_;
  Result result_;
};

Step::Step(const Model& model, const Samples& samples, const DropoutStep* training, int replicas)
    : model_(model), samples_(samples), training_(training), replicas_(at(replicas)) {
  const std::size_t nodes = model.graph_.nodes().size();
  for (std::int64_t rank = 0; rank < replicas; ++rank) {
    Replica& replica = replicas_[at(rank)];
    replica.first = rank * samples.rows / replicas;
    replica.rows = (rank + 1) * samples.rows / replicas - replica.first;
    replica.values.resize(nodes);
    replica.slopes.resize(nodes);
    replica.statistics.resize(nodes);
    for (const Values& one : model.parameters_) replica.gradients.emplace_back(one.size(), 0.0);
  }
  for (const Values& one : model.parameters_) result_.gradients.emplace_back(one.size(), 0.0);
  result_.moved.resize(model.parameters_.size());
}

const BatchNormalization* Step::normalization(std::size_t id) const {
  if (training_ == nullptr) return nullptr;
  return dynamic_cast<const BatchNormalization*>(
      model_.graph_.layers()[at(node(id).layer)].layer.get());
}

Use Step::use_of(std::size_t id, const Replica& replica) const {
  const Graph::LayerEntry& entry = model_.graph_.layers()[at(node(id).layer)];
  Use use;
  use.layer = entry.layer.get();
  use.node = static_cast<std::int32_t>(id);
  for (Graph::NodeId input : node(id).inputs) use.inputs.push_back(model_.graph_.shape(input));
  use.output = node(id).shape;
  use.rows = replica.rows;
  use.first_row = replica.first;
  use.parameters =
      std::span(model_.parameters_)
          .subspan(model_.first_parameter_[at(node(id).layer)], entry.parameters.size());
  use.dropout = training_;
  return use;
}

std::vector<const Values*> Step::inputs_of(std::size_t id, const Replica& replica) const {
  std::vector<const Values*> inputs;
  for (Graph::NodeId input : node(id).inputs) inputs.push_back(&replica.values[at(input)]);
  return inputs;
}

std::span<Values> Step::gradients_of(std::size_t id, Replica& replica) const {
  const auto layer = at(node(id).layer);
  return std::span(replica.gradients)
      .subspan(model_.first_parameter_[layer], model_.graph_.layers()[layer].parameters.size());
}

// The replicas whose rows are normalised together.
std::vector<Step::Group> Step::groups(const BatchNormalization& layer) {
  if (layer.synchronized()) return {Group(replicas_)};
  std::vector<Group> alone;
  for (Replica& replica : replicas_) alone.push_back(Group(&replica, 1));
  return alone;
}

void Step::normalize_group(std::size_t id, const BatchNormalization& layer, Group group) {
  std::vector<const Values*> xs;
  for (const Replica& replica : group) xs.push_back(inputs_of(id, replica)[0]);
  const Statistics statistics = statistics_of(xs, at(node(id).shape.extents().back()));
  for (Replica& replica : group) {
    replica.statistics[id] = statistics;
    replica.values[id] =
        normalize(use_of(id, replica), layer, statistics, *inputs_of(id, replica)[0]);
  }
}

void Step::move_statistics(std::size_t id, const BatchNormalization& layer) {
  const auto move = [&](std::size_t parameter, Values Statistics::*part) {
    const std::size_t index = model_.first_parameter_[at(node(id).layer)] + parameter;
    Values& moved = result_.moved[index];
    if (moved.empty()) moved = model_.parameters_[index];
    for (std::size_t c = 0; c < moved.size(); ++c) {
      double mean = 0;
      for (const Replica& replica : replicas_) {
        const double share = static_cast<double>(replica.rows) / static_cast<double>(samples_.rows);
        mean += share * (replica.statistics[id].*part)[c];
      }
      moved[c] = layer.momentum() * moved[c] + (1 - layer.momentum()) * mean;
    }
  };
  move(layer.moving_mean(), &Statistics::mean);
  move(layer.moving_variance(), &Statistics::variance);
}

void Step::forward(std::size_t id) {
  if (node(id).layer < 0) return;
  if (const BatchNormalization* layer = normalization(id)) {
    for (Group group : groups(*layer)) normalize_group(id, *layer, group);
    move_statistics(id, *layer);
    return;
  }
  for (Replica& replica : replicas_) {
    replica.values[id] = reference::forward(use_of(id, replica), inputs_of(id, replica));
  }
}

void Step::normalize_group_backward(std::size_t id, const BatchNormalization& layer, Group group) {
  std::vector<const Values*> xs, dys;
  for (const Replica& replica : group) {
    xs.push_back(inputs_of(id, replica)[0]);
    dys.push_back(&replica.slopes[id]);
  }
  const SlopeSums sums = slope_sums(layer, group.front().statistics[id], xs, dys);
  for (Replica& replica : group) {
    const Values slope = normalize_backward(use_of(id, replica), layer, replica.statistics[id],
                                            *inputs_of(id, replica)[0], replica.slopes[id], &sums,
                                            gradients_of(id, replica));
    Values& input = replica.slopes[at(node(id).inputs[0])];
    for (std::size_t i = 0; i < slope.size(); ++i) input[i] += slope[i];
  }
}

void Step::backward(std::size_t id) {
  if (node(id).layer < 0) return;
  if (const BatchNormalization* layer = normalization(id)) {
    for (Group group : groups(*layer)) normalize_group_backward(id, *layer, group);
    return;
  }
  for (Replica& replica : replicas_) {
    const auto slopes =
        reference::backward(use_of(id, replica), inputs_of(id, replica), replica.values[id],
                            replica.slopes[id], gradients_of(id, replica));
    for (std::size_t number = 0; number < slopes.size(); ++number) {
      Values& input = replica.slopes[at(node(id).inputs[number])];
      for (std::size_t i = 0; i < input.size(); ++i) input[i] += slopes[number][i];
    }
  }
}

Result Step::run() {
  const Graph& graph = model_.graph_;
  const auto part = [&](const Values& all, const Replica& replica) {
    const std::int64_t width = static_cast<std::int64_t>(all.size()) / samples_.rows;
    return Values(all.begin() + replica.first * width,
                  all.begin() + (replica.first + replica.rows) * width);
  };
  std::size_t input = 0;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    if (node(id).layer < 0) {
      const Values& all = samples_.inputs.at(input++);
      for (Replica& replica : replicas_) replica.values[id] = part(all, replica);
    }
    forward(id);
    for (Replica& replica : replicas_) replica.slopes[id].assign(replica.values[id].size(), 0.0);
  }

  const auto last = at(loss_node(graph, model_.loss_));
  const bool of_logits = model_.loss_.from_logits || last != at(graph.output());
  for (Replica& replica : replicas_) {
    const Values& output = replica.values[at(graph.output())];
    result_.output.insert(result_.output.end(), output.begin(), output.end());
    replica.slopes[last] = loss_gradient(model_.loss_, of_logits, replica.values[last],
                                         part(samples_.targets, replica), replica.rows,
                                         samples_.rows, result_.metrics);
  }
  for (std::size_t id = last + 1; id-- > 0;) backward(id);
  for (const Replica& replica : replicas_) {
    for (std::size_t p = 0; p < replica.gradients.size(); ++p) {
      for (std::size_t i = 0; i < replica.gradients[p].size(); ++i) {
        result_.gradients[p][i] += replica.gradients[p][i];
      }
    }
  }
  return std::move(result_);
}

Model::Model(const Graph& graph, const Loss& loss) : graph_(graph), loss_(loss) {
  for (const auto& entry : graph_.layers()) {
    first_parameter_.push_back(parameters_.size());
    for (const auto& spec : entry.parameters) {
      parameters_.emplace_back(at(spec.shape.elements()), 0.0);
      trainable_.push_back(spec.trainable);
      names_.push_back(entry.name + "/" + spec.name);
    }
  }
}

void Model::set_parameters(std::span<const NamedTensor> tensors) {
  if (tensors.size() != parameters_.size()) throw std::logic_error("reference: other parameters");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    parameters_[i].assign(tensors[i].values.begin(), tensors[i].values.end());
  }
}

Result Model::step(const Samples& samples, const std::optional<DropoutStep>& training,
                   int replicas) const {
  return Step(*this, samples, training ? &*training : nullptr, replicas).run();
}

void Model::update(const Optimizer& optimizer, int t, const Result& result) {
  slots_.resize(parameters_.size());
  std::vector<Values> gradients = result.gradients;  // zeros where nothing is trained
  clip(update_options(optimizer), gradients);
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    if (!trainable_[p]) {
      if (!result.moved[p].empty()) parameters_[p] = result.moved[p];
      continue;
    }
    slots_[p].resize(static_cast<std::size_t>(state_slots(optimizer)),
                     Values(parameters_[p].size(), 0.0));
    reference::update(optimizer, t, gradients[p], parameters_[p], slots_[p], names_[p]);
  }
}

}  // namespace headrace::reference
