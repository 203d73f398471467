#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "headrace/train/cpu/aligned_buffer.h"
#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

struct BatchNormSpec {
  std::int64_t groups = 0;  // of `channels` values, of a row
  std::int64_t channels = 0;
  double momentum = 0;
  double epsilon = 0;
  bool synchronized = false;
  bool scale = true;  // has gamma
  bool center = true;
  bool relu = false;
  // Places among the parameters.
  std::size_t gamma = 0, beta = 0, moving_mean = 0, moving_variance = 0;
  // All tensors of one type. What is normalised is plain, its gradient too.
  View x;
  View dx;  // none: not asked for
  View y;
  View other;           // added before relu; none: nothing
  View other_gradient;  // none: not asked for
  // One or two: the gradient of y is their sum.
  std::vector<View> y_gradients;
  // Where that sum is kept, after relu's backward pass, from one half's to the other's; none: it is
  // made twice. Requires one if there is `other` or there are two parts.
  View total;
};

// Batch normalisation, and what is done to its result, in two halves. The first adds up each
// channel's moments; after them all slices are waited for, since everything else needs the mean and
// variance of all rows. The second half normalises. Backward goes the other way: the second half
// adds up two sums for each channel, and the first makes the gradient from them.
class BatchNorm {
 public:
  explicit BatchNorm(const BatchNormSpec& spec);

  const BatchNormSpec& spec() const { return spec_; }
  // The moving statistics take in those of the last batch, if that has not been done.
  void update_moving(float* parameters);

 private:
  friend class BatchNormMoments;
  friend class BatchNormNormalise;
  // Of one slice, for each channel.
  struct Sums {
    std::int64_t count = 0;
    std::vector<float> pivot;
    std::vector<double> first, second;
  };
  void begin(int slices, std::vector<Sums>& sums) const;
  void share_moving(const Join& join, double count);

  BatchNormSpec spec_;
  double count_ = 0;  // of values in a channel, in all rows that the statistics are of
  std::vector<double> mean_, variance_;
  std::vector<float> pending_mean_, pending_variance_;  // empty: nothing is pending
  AlignedBuffer<float> center_, scale_, shift_;         // of the batch
  AlignedBuffer<float> moving_scale_, moving_shift_;
  AlignedBuffer<float> factor_, constant_, linear_;
};

class BatchNormMoments : public Operation, public Reduction {
 public:
  explicit BatchNormMoments(BatchNorm& norm) : norm_(norm) {}
  OperationKind kind() const override { return OperationKind::batch_normalization; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override { return {norm_.spec_.x.tensor}; }
  std::vector<TensorId> backward_tensors() const override;
  std::vector<TensorId> results() const override { return {}; }
  void begin(int slices) override { norm_.begin(slices, sums_); }
  void finish(const Join& join) override;
  void update(float* parameters) override { norm_.update_moving(parameters); }

 private:
  BatchNorm& norm_;
  mutable std::vector<BatchNorm::Sums> sums_;  // each slice has its own
};

class BatchNormNormalise : public Operation, public Reduction {
 public:
  explicit BatchNormNormalise(std::unique_ptr<BatchNorm> norm) : norm_(std::move(norm)) {}
  BatchNorm& norm() { return *norm_; }
  void prepare(const float* parameters) override;
  OperationKind kind() const override { return OperationKind::batch_normalization; }
  void forward(const Block& block) const override;
  void backward(const Block& block) const override;
  std::vector<TensorId> forward_tensors() const override;
  std::vector<TensorId> backward_tensors() const override;
  std::vector<TensorId> results() const override { return {norm_->spec_.y.tensor}; }
  bool is_recomputable() const override { return true; }
  void begin(int slices) override { norm_->begin(slices, sums_); }
  void finish(const Join& join) override;

 private:
  std::unique_ptr<BatchNorm> norm_;
  mutable std::vector<BatchNorm::Sums> sums_;
};

}  // namespace headrace::cpu
