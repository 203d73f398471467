#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "headrace/train/backend.h"
#include "headrace/train/loss.h"

namespace headrace::cpu {

// A last activation that the loss takes in: the plan ends before it, in its logits, and predict()
// applies it.
enum class FusedEnd : std::uint8_t { none, softmax, sigmoid };
FusedEnd fused_end(const Graph& graph, const Loss& loss);
// values -> output; they may be the same. `width` elements a row.
void apply_end(FusedEnd end, const float* values, std::int64_t rows, std::int64_t width,
               float* output);

// The labels of a block of rows: integers, or targets of a row's elements; the other is null. Of a
// loss of the user's own both may be.
struct Labels {
  const std::int32_t* indices = nullptr;
  const float* targets = nullptr;
  // What each row's loss counts; null: as much as that of all others.
  const float* weights = nullptr;
};

// A block of rows whose outputs are there.
struct LossBlock {
  const Batch* batch = nullptr;
  std::int64_t first = 0;  // row of the batch
  std::int64_t rows = 0;
  const float* values = nullptr;  // of the model, before the fused end
  Labels labels;                  // of the first row
  float scale = 1;                // of gradients
  float* gradient = nullptr;      // of the values; null: nobody asks for it
};

// The loss of a model, and what is counted along with it. Safe for several threads at once.
class LossStep {
 public:
  // Throws Error{invalid_argument} if the loss does not fit the model's output, naming both.
  LossStep(const Graph& graph, const Loss& loss, const MetricOptions& metrics);

  FusedEnd end() const { return end_; }
  bool by_threshold() const { return by_threshold_; }  // and not by the largest output
  float threshold() const { return threshold_; }       // of the values before the fused end
  // Where the step's labels are. Throws Error{invalid_argument} naming the field if it is missing
  // or of another type or shape, or the row if a label is out of range. Weights are those of the
  // field "weight" (f32), if there is one, but for a loss of the user's own: they multiply the
  // rows' losses, as Keras' sample_weight; the mean is still over rows.
  Labels bind(const StepInput& step, const std::string& field) const;
  // Writes the gradient of the block's rows, and adds what they come to to `sums`. Rows past the
  // batch's valid_rows() get gradients of zero and are not counted.
  void run(const LossBlock& block, MetricSums& sums) const;

 private:
  struct Row;
  double loss_of(const Row& row, float scale, float* gradient) const;
  double categorical(const Row& row, float scale, float* gradient) const;
  double binary(const Row& row, float scale, float* gradient) const;
  double squared(const Row& row, float scale, float* gradient) const;
  double own(const LossBlock& block, std::int64_t counted) const;
  void count(const Row& row, MetricSums& sums) const;

  Loss loss_;
  MetricOptions metrics_;
  FusedEnd end_;
  Shape output_;
  std::int64_t width_;
  bool by_threshold_;  // and not by the largest output
  float threshold_;    // of the values
};

}  // namespace headrace::cpu
