#include "headrace/train/loss.h"

#include <cmath>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t scalars = 4;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
}

}  // namespace

LossFunction::LossFunction() = default;
LossFunction::LossFunction(const LossFunction&) = default;
LossFunction::LossFunction(LossFunction&&) noexcept = default;
LossFunction& LossFunction::operator=(const LossFunction&) = default;
LossFunction& LossFunction::operator=(LossFunction&&) noexcept = default;
LossFunction::~LossFunction() = default;

void check(const Loss& loss) {
  const bool own = loss.kind == LossKind::own;
  if (own && !loss.own) refuse("a loss of one's own needs the function that computes it");
  if (!own && loss.own) refuse("a function is given for the loss: set its kind to LossKind::own");
  if (!(loss.label_smoothing >= 0 && loss.label_smoothing <= 1)) {
    refuse("label smoothing of " + std::to_string(loss.label_smoothing) + ": it must be in [0, 1]");
  }
  const bool of_classes =
      loss.kind == LossKind::categorical_crossentropy || loss.kind == LossKind::binary_crossentropy;
  if (!of_classes && (loss.label_smoothing > 0 || loss.from_logits)) {
    refuse("label smoothing and logits are for cross-entropy");
  }
}

std::int64_t MetricSums::classes() const {
  return std::llround(std::sqrt(static_cast<double>(confusion.size())));
}

MetricSums& MetricSums::operator+=(const MetricSums& other) {
  loss += other.loss;
  correct += other.correct;
  samples += other.samples;
  top_k_correct += other.top_k_correct;
  if (confusion.empty()) confusion.resize(other.confusion.size());
  for (std::size_t i = 0; i < other.confusion.size(); ++i) confusion[i] += other.confusion[i];
  return *this;
}

std::vector<double> MetricSums::values() const {
  std::vector<double> all{loss, correct, samples, top_k_correct};
  all.insert(all.end(), confusion.begin(), confusion.end());
  return all;
}

MetricSums MetricSums::from_values(std::span<const double> values) {
  MetricSums sums;
  if (values.size() >= scalars) {
    sums.loss = values[0];
    sums.correct = values[1];
    sums.samples = values[2];
    sums.top_k_correct = values[3];
    sums.confusion.assign(values.begin() + scalars, values.end());
  }
  const std::int64_t classes = sums.classes();
  if (values.size() < scalars ||
      static_cast<std::int64_t>(sums.confusion.size()) != classes * classes) {
    throw Error(ErrorCode::corrupt_data,
                std::to_string(values.size()) + " numbers are no sums of metrics");
  }
  return sums;
}

}  // namespace headrace
