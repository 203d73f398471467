#include "headrace/augment/standardize.h"

#include <algorithm>
#include <cmath>

namespace headrace {
namespace {

constexpr double epsilon = 1e-6;  // Keras'

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  return sum / static_cast<double>(values.size());
}

double deviation_of(std::span<const float> values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const float value : values) {
    const double distance = static_cast<double>(value) - mean;
    sum += distance * distance;
  }
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double of_element(const std::vector<double>& values, std::size_t e, std::size_t channels,
                  double without) {
  if (values.empty()) return without;
  if (values.size() == 1) return values[0];
  return values.size() == channels ? values[e % channels] : values[e];
}

}  // namespace

void Standardize::apply_samplewise(std::span<float> values) const {
  if (numbers_.samplewise_center) {
    const auto mean = static_cast<float>(mean_of(values));
    for (float& value : values) value -= mean;
  }
  if (numbers_.samplewise_std) {
    const auto deviation = static_cast<float>(deviation_of(values) + epsilon);
    for (float& value : values) value /= deviation;
  }
}

void Standardize::apply_featurewise(std::span<float> values, std::size_t channels) const {
  if (numbers_.mean.empty() && numbers_.deviation.empty()) return;
  for (std::size_t e = 0; e < values.size(); ++e) {
    const double centred =
        static_cast<double>(values[e]) - of_element(numbers_.mean, e, channels, 0);
    values[e] = static_cast<float>(centred / of_element(numbers_.deviation, e, channels, 1));
  }
}

void Standardize::apply(std::span<float> values, ImageShape shape,
                        std::vector<std::byte>& spare) const {
  if (numbers_.function) numbers_.function(values, shape);
  if (numbers_.scale != 1) {
    const auto scale = static_cast<float>(numbers_.scale);
    for (float& value : values) value *= scale;
  }
  apply_samplewise(values);
  apply_featurewise(values, static_cast<std::size_t>(shape.channels));
  if (numbers_.whitening.empty()) return;
  if (spare.size() < values.size_bytes()) spare.resize(values.size_bytes());
  auto* before = reinterpret_cast<float*>(spare.data());
  std::copy(values.begin(), values.end(), before);
  std::fill(values.begin(), values.end(), 0.0f);
  // The matrix is symmetric: its rows are its columns, which are summed as vectors.
  const float* row = numbers_.whitening.data();
  for (std::size_t i = 0; i < values.size(); ++i, row += values.size()) {
    for (std::size_t e = 0; e < values.size(); ++e) values[e] += row[e] * before[i];
  }
}

}  // namespace headrace
