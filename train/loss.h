#pragma once

#include <cstdint>

namespace headrace {

enum class LossKind : std::uint8_t { categorical_crossentropy };

// What training makes small: the mean over a global batch of each sample's loss.
// Labels: an i32 scalar field holds class indices (Keras' sparse form), an f32 field of as many
// elements as the output holds one-hot or soft targets; the batch's spec says which.
// A model that ends in softmax, and one that gives logits (from_logits), are computed alike, from
// the logits, by log-sum-exp.
struct Loss {
  LossKind kind = LossKind::categorical_crossentropy;
  bool from_logits = false;
};

// Sums over samples, kept in double; divide by `samples` for means.
struct MetricSums {
  double loss = 0;
  double correct = 0;  // argmax of the output equals that of the label
  double samples = 0;

  double mean_loss() const { return samples > 0 ? loss / samples : 0; }
  double accuracy() const { return samples > 0 ? correct / samples : 0; }
  MetricSums& operator+=(const MetricSums& other) {
    loss += other.loss;
    correct += other.correct;
    samples += other.samples;
    return *this;
  }
};

}  // namespace headrace
