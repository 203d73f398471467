#include "headrace/train/cpu/loss_step.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/train/cpu/activation_functions.h"
#include "headrace/train/layers/activation.h"

namespace headrace::cpu {
namespace {

constexpr double least_probability = 1e-7;  // Keras' epsilon

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

double clipped(double probability) {
  return std::clamp(probability, least_probability, 1 - least_probability);
}
constexpr const char* weight_field = "weight";

const float* weights_of(const StepInput& step) {
  if (!step.batch->spec().has(weight_field)) return nullptr;
  const FieldView view = step.batch->field(weight_field);
  if (view.spec->type != ElementType::f32 || view.spec->elements() != 1) {
    fail("batch field weight has to be f32 (): what the loss of a row counts");
  }
  return reinterpret_cast<const float*>(view.data) + step.first;
}

bool is_clipped(double probability) { return clipped(probability) != probability; }

std::int64_t largest(const float* values, std::int64_t size) {
  return std::max_element(values, values + size) - values;
}

ActivationKind last_activation(const Graph& graph) {
  const Graph::Node& node = graph.nodes().at(static_cast<std::size_t>(graph.output()));
  if (node.layer < 0) return ActivationKind::linear;
  const auto* activation = dynamic_cast<const Activation*>(
      graph.layers()[static_cast<std::size_t>(node.layer)].layer.get());
  return activation == nullptr ? ActivationKind::linear : activation->function();
}

// Sums of products are never probabilities.
bool gives_logits(const Graph& graph) {
  const Graph::Node& node = graph.nodes().at(static_cast<std::size_t>(graph.output()));
  return node.layer >= 0 &&
         !graph.layers()[static_cast<std::size_t>(node.layer)].parameters.empty() &&
         graph.layers()[static_cast<std::size_t>(node.layer)].layer->kind() != "LSTM";
}

}  // namespace

FusedEnd fused_end(const Graph& graph, const Loss& loss) {
  const ActivationKind last = last_activation(graph);
  if (loss.kind == LossKind::categorical_crossentropy && last == ActivationKind::softmax &&
      graph.shape(graph.output()).rank() == 1) {
    return FusedEnd::softmax;
  }
  if (loss.kind == LossKind::binary_crossentropy && last == ActivationKind::sigmoid) {
    return FusedEnd::sigmoid;
  }
  return FusedEnd::none;
}

void apply_end(FusedEnd end, const float* values, std::int64_t rows, std::int64_t width,
               float* output) {
  if (end == FusedEnd::softmax) return softmax(values, rows, width, output);
  for (std::int64_t i = 0; i < rows * width; ++i) {
    output[i] = end == FusedEnd::sigmoid ? 1.0f / (1.0f + std::exp(-values[i])) : values[i];
  }
}

// One row, its target as whatever its label says.
struct LossStep::Row {
  const float* values;
  const float* targets;  // null: the label below says it
  std::int32_t index;
  std::int64_t width;

  double target(std::int64_t i) const {
    if (targets != nullptr) return targets[i];
    if (width == 1) return index;
    return i == index ? 1 : 0;
  }
  std::int64_t label() const { return targets != nullptr ? largest(targets, width) : index; }
};

LossStep::LossStep(const Graph& graph, const Loss& loss, const MetricOptions& metrics)
    : loss_(loss),
      metrics_(metrics),
      end_(fused_end(graph, loss)),
      output_(graph.shape(graph.output())),
      width_(output_.elements()),
      by_threshold_(loss.kind == LossKind::binary_crossentropy || width_ == 1) {
  check(loss);
  const bool categorical = loss.kind == LossKind::categorical_crossentropy;
  if (categorical && (output_.rank() != 1 || width_ < 2)) {
    fail("categorical cross-entropy needs an output of two or more classes, not " +
         output_.to_string());
  }
  if (end_ != FusedEnd::none && loss.from_logits) {
    fail(std::string("the model ends in ") + (categorical ? "softmax" : "sigmoid") +
         ", so its output is no logits: leave from_logits off");
  }
  const bool binary = loss.kind == LossKind::binary_crossentropy;
  if ((categorical || binary) && end_ == FusedEnd::none && !loss.from_logits &&
      gives_logits(graph)) {
    fail(std::string(categorical ? "categorical" : "binary") +
         " cross-entropy needs a model that ends in " + (categorical ? "softmax" : "sigmoid") +
         ", or from_logits: the last layer has no activation");
  }
  if (metrics.top_k < 0) fail("the top " + std::to_string(metrics.top_k) + " of classes");
  if (!(metrics.threshold > 0 && metrics.threshold < 1)) {
    fail("a threshold of " + std::to_string(metrics.threshold) + ": it must be between 0 and 1");
  }
  const bool of_labels = !by_threshold_ || width_ == 1;
  if (metrics.confusion && !of_labels) {
    fail("a confusion matrix needs one class a sample, not " + output_.to_string() + " of them");
  }
  if (metrics.top_k > 0 && by_threshold_) fail("the top of one output: it has no classes");
  const bool of_logits = end_ == FusedEnd::sigmoid || loss.from_logits;
  const double level = metrics.threshold;
  threshold_ = static_cast<float>(of_logits ? std::log(level / (1 - level)) : level);
}

Labels LossStep::bind(const StepInput& step, const std::string& field) const {
  Labels labels;
  const bool optional = loss_.kind == LossKind::own;
  if (!optional) labels.weights = weights_of(step);
  if (optional && !step.batch->spec().has(field)) return labels;
  const FieldView view = step.batch->field(field);
  const FieldSpec& spec = *view.spec;
  const std::byte* first = view.data + static_cast<std::size_t>(step.first) * spec.row_bytes();
  if (spec.type == ElementType::i32 && spec.shape.empty() && (!by_threshold_ || width_ == 1)) {
    labels.indices = reinterpret_cast<const std::int32_t*>(first);
  } else if (spec.type == ElementType::f32 && spec.elements() == width_ &&
             (Shape(spec.shape) == output_ || width_ == 1)) {
    labels.targets = reinterpret_cast<const float*>(first);
  } else if (!optional) {
    const std::string given =
        std::string(to_string(spec.type)) + " " + Shape(spec.shape).to_string();
    fail("batch field " + field + " is " + given + ", but a model of output " +
         output_.to_string() + " needs labels that are " +
         (by_threshold_ && width_ > 1 ? "" : "i32 () or ") + "f32 " + output_.to_string());
  }
  if (labels.indices == nullptr || (by_threshold_ && loss_.kind != LossKind::binary_crossentropy)) {
    return labels;
  }
  const std::int64_t classes = std::max<std::int64_t>(width_, 2);
  for (std::int64_t row = 0; row < step.rows; ++row) {
    const std::int32_t label = labels.indices[row];
    if (label >= 0 && label < classes) continue;
    fail("row " + std::to_string(step.first + row) + " of the batch has " + field + " " +
         std::to_string(label) + ", but the model has the classes 0 to " +
         std::to_string(classes - 1) + ": train a model of more classes, or mend the data");
  }
  return labels;
}

void LossStep::run(const LossBlock& block, MetricSums& sums) const {
  const std::int64_t valid = block.batch->valid_rows() - block.first;
  const std::int64_t counted = std::clamp<std::int64_t>(valid, 0, block.rows);
  if (block.gradient != nullptr && counted < block.rows) {
    std::fill(block.gradient + counted * width_, block.gradient + block.rows * width_, 0.0f);
  }
  if (metrics_.confusion && sums.confusion.empty()) {
    const auto classes = static_cast<std::size_t>(std::max<std::int64_t>(width_, 2));
    sums.confusion.assign(classes * classes, 0);
  }
  if (loss_.kind == LossKind::own && counted > 0) sums.loss += own(block, counted);
  const Labels& labels = block.labels;
  const bool has_labels = labels.indices != nullptr || labels.targets != nullptr;
  for (std::int64_t i = 0; i < counted; ++i) {
    const Row row{block.values + i * width_,
                  labels.targets != nullptr ? labels.targets + i * width_ : nullptr,
                  labels.indices != nullptr ? labels.indices[i] : 0, width_};
    float* gradient = block.gradient != nullptr ? block.gradient + i * width_ : nullptr;
    const float weight = labels.weights != nullptr ? labels.weights[i] : 1.0f;
    if (loss_.kind != LossKind::own) {
      sums.loss += weight * loss_of(row, weight * block.scale, gradient);
    }
    if (has_labels) count(row, sums);
    sums.samples += 1;
  }
}

double LossStep::loss_of(const Row& row, float scale, float* gradient) const {
  switch (loss_.kind) {
    case LossKind::categorical_crossentropy: return categorical(row, scale, gradient);
    case LossKind::binary_crossentropy: return binary(row, scale, gradient);
    case LossKind::mean_squared_error: return squared(row, scale, gradient);
    case LossKind::own: break;
  }
  return 0;
}

double LossStep::categorical(const Row& row, float scale, float* gradient) const {
  const float* z = row.values;
  const double keep = 1 - loss_.label_smoothing;
  const double spread = loss_.label_smoothing / static_cast<double>(width_);
  const bool of_logits = end_ == FusedEnd::softmax || loss_.from_logits;
  if (!of_logits) {
    double sum = 0, share = 0, loss = 0;
    for (std::int64_t c = 0; c < width_; ++c) sum += z[c];
    for (std::int64_t c = 0; c < width_; ++c) {
      const double target = keep * row.target(c) + spread;
      loss -= target * std::log(clipped(z[c] / sum));
      if (!is_clipped(z[c] / sum)) share += target;
    }
    if (gradient == nullptr) return loss;
    for (std::int64_t c = 0; c < width_; ++c) {
      const double target = is_clipped(z[c] / sum) ? 0 : keep * row.target(c) + spread;
      gradient[c] = static_cast<float>(share / sum - (target > 0 ? target / z[c] : 0)) * scale;
    }
    return loss;
  }
  const float top = *std::max_element(z, z + width_);
  double sum = 0, total = 0, dot = 0;  // dot is relative to `top`, where no digits are lost
  for (std::int64_t c = 0; c < width_; ++c) {
    const float power = std::exp(z[c] - top);
    sum += power;
    if (gradient != nullptr) gradient[c] = power;
    if (row.targets == nullptr && spread == 0) continue;
    const double target = keep * row.target(c) + spread;
    total += target;
    dot += target * (z[c] - top);
  }
  if (row.targets == nullptr && spread == 0) {
    total = 1;
    dot = z[row.index] - top;
  }
  if (gradient != nullptr) {
    const auto share = static_cast<float>(total / sum);
    for (std::int64_t c = 0; c < width_; ++c) {
      const auto target = static_cast<float>(keep * row.target(c) + spread);
      gradient[c] = (gradient[c] * share - target) * scale;
    }
  }
  return total * std::log(sum) - dot;
}

double LossStep::binary(const Row& row, float scale, float* gradient) const {
  const double keep = 1 - loss_.label_smoothing;
  const bool of_logits = end_ == FusedEnd::sigmoid || loss_.from_logits;
  const double each = 1 / static_cast<double>(width_);
  double loss = 0;
  for (std::int64_t i = 0; i < width_; ++i) {
    const double z = row.values[i];
    const double target = keep * row.target(i) + loss_.label_smoothing / 2;
    double slope = 0;
    if (of_logits) {
      const double power = std::exp(-std::abs(z));  // at most 1: nothing overflows
      loss += std::max(z, 0.0) - z * target + std::log1p(power);
      slope = (z >= 0 ? 1 / (1 + power) : power / (1 + power)) - target;
    } else {
      const double p = clipped(z);
      loss -= target * std::log(p) + (1 - target) * std::log1p(-p);
      slope = is_clipped(z) ? 0 : (p - target) / (p * (1 - p));
    }
    if (gradient != nullptr) gradient[i] = static_cast<float>(slope * each) * scale;
  }
  return loss * each;
}

double LossStep::squared(const Row& row, float scale, float* gradient) const {
  const double each = 1 / static_cast<double>(width_);
  double loss = 0;
  for (std::int64_t i = 0; i < width_; ++i) {
    const double difference = row.values[i] - row.target(i);
    loss += difference * difference;
    if (gradient != nullptr) gradient[i] = static_cast<float>(2 * difference * each) * scale;
  }
  return loss * each;
}

double LossStep::own(const LossBlock& block, std::int64_t counted) const {
  const auto size = static_cast<std::size_t>(counted * width_);
  LossRows rows;
  rows.batch = block.batch;
  rows.first = block.first;
  rows.rows = counted;
  rows.output = {block.values, size};
  if (block.gradient != nullptr) rows.gradient = {block.gradient, size};
  const double loss = loss_.own(rows);
  for (float& slope : rows.gradient) slope *= block.scale;
  return loss;
}

void LossStep::count(const Row& row, MetricSums& sums) const {
  std::int64_t taken = 0, label = 0;
  if (by_threshold_) {
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < width_; ++i) {
      taken = row.values[i] > threshold_ ? 1 : 0;
      label = row.target(i) > metrics_.threshold ? 1 : 0;
      right += taken == label ? 1 : 0;
    }
    sums.correct += static_cast<double>(right) / static_cast<double>(width_);
  } else {
    taken = largest(row.values, width_);
    label = row.label();
    sums.correct += taken == label ? 1 : 0;
  }
  if (metrics_.top_k > 0) {
    const float value = row.values[label];
    const auto above = std::count_if(row.values, row.values + width_,
                                     [&](float other) { return !(other <= value); });
    sums.top_k_correct += above < metrics_.top_k ? 1 : 0;
  }
  if (metrics_.confusion) {
    const std::int64_t classes = std::max<std::int64_t>(width_, 2);
    sums.confusion[static_cast<std::size_t>(label * classes + taken)] += 1;
  }
}

}  // namespace headrace::cpu
