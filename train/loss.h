#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "headrace/pipeline/batch.h"

namespace headrace {

// Rows of a batch on their way through a loss of the user's own.
struct LossRows {
  const Batch* batch = nullptr;  // whose fields may all be read
  std::int64_t first = 0;        // the rows are [first, first + rows) of the batch
  std::int64_t rows = 0;
  std::span<const float> output;  // of the model, rows x elements
  // To be written: the derivative of each row's own loss by its output (the trainer makes the mean
  // over the batch of it). Empty: nobody asks for it.
  std::span<float> gradient;
};

// A loss of the user's own: any function of LossRows that returns the sum of the rows' losses.
// Called for other rows by several threads at once. A class, and not std::function alone, for
// GCC 12 warns falsely of that one's destructor where options are written in braces.
class LossFunction {
 public:
  LossFunction();
  template <class Function,
            class = std::enable_if_t<std::is_invocable_r_v<double, Function&, const LossRows&>>>
  LossFunction(Function function) : function_(std::move(function)) {}
  LossFunction(const LossFunction&);
  LossFunction(LossFunction&&) noexcept;
  LossFunction& operator=(const LossFunction&);
  LossFunction& operator=(LossFunction&&) noexcept;
  ~LossFunction();

  double operator()(const LossRows& rows) const { return function_(rows); }
  explicit operator bool() const { return static_cast<bool>(function_); }

 private:
  std::function<double(const LossRows&)> function_;
};

enum class LossKind : std::uint8_t {
  categorical_crossentropy,
  binary_crossentropy,
  mean_squared_error,
  own,
};

// What training makes small: the mean over a global batch of each sample's loss, with Keras'
// meaning. Rows that a loader has padded a share with (Batch::valid_rows) count nothing.
// Labels: an i32 scalar field holds class indices (Keras' sparse form); an f32 field of as many
// elements as the output holds one-hot or soft targets, or the values to be predicted; the batch's
// spec says which. A model of one output takes an i32 scalar as its value too.
// - categorical_crossentropy, over the output's elements as classes. Of a model that ends in
// softmax
//   it is computed from the logits, by log-sum-exp, as with from_logits; of others the output is
//   taken as probabilities: divided by their sum, and clipped to [1e-7, 1 - 1e-7].
// - binary_crossentropy, the mean over the output's elements. Likewise of a model that ends in
//   sigmoid, and of others.
// - mean_squared_error: the mean over the output's elements.
// - own: what `own` makes of the model's output, after its last activation.
struct Loss {
  LossKind kind = LossKind::categorical_crossentropy;
  bool from_logits = false;
  // Targets t become t (1 - s) + s / classes; of binary cross-entropy t (1 - s) + s / 2.
  double label_smoothing = 0;
  LossFunction own = {};
};

// Throws Error{invalid_argument} saying what of the loss makes no sense in itself.
void check(const Loss& loss);

// What is counted beside the loss.
struct MetricOptions {
  // Not 0: hits among the so many largest outputs are counted (Keras' TopKCategoricalAccuracy has
  // 5; outputs that equal the label's do not push it out).
  int top_k = 0;
  // Of binary accuracy: outputs above it are taken for 1. Of logits, their sigmoids.
  double threshold = 0.5;
  bool confusion = false;  // a matrix of classes
};

// Sums over samples, kept in double; divide by `samples` for means. Counts are exact, so sums over
// replicas are those of the whole.
struct MetricSums {
  double loss = 0;
  // Argmax of the output equals that of the label; with binary cross-entropy, and other losses of
  // one output, the share of outputs on the label's side of the threshold.
  double correct = 0;
  double samples = 0;
  double top_k_correct = 0;
  // classes x classes: samples of the row's class that were taken for the column's. Empty unless
  // asked for.
  std::vector<double> confusion = {};

  double mean_loss() const { return samples > 0 ? loss / samples : 0; }
  double accuracy() const { return samples > 0 ? correct / samples : 0; }
  double top_k_accuracy() const { return samples > 0 ? top_k_correct / samples : 0; }
  std::int64_t classes() const;  // of the confusion matrix
  MetricSums& operator+=(const MetricSums& other);

  // All of them in one row, and back: for files, and for sums over processes.
  std::vector<double> values() const;
  // Throws Error{corrupt_data} if they are no sums.
  static MetricSums from_values(std::span<const double> values);
};

}  // namespace headrace
