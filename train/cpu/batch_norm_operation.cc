#include "headrace/train/cpu/batch_norm_operation.h"

#include <algorithm>
#include <cmath>

#include "headrace/train/cpu/batch_norm_kernels.h"

namespace headrace::cpu {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<Array> arrays(const Block& block, const std::vector<View>& views) {
  std::vector<Array> found;
  for (const View& view : views) found.push_back(at(block, view));
  return found;
}

Array array_or_null(const Block& block, const View& view) {
  return view ? at(block, view) : Array{};
}

std::vector<float> in_f32(double count, const std::vector<double>& a, const std::vector<double>& b,
                          double factor) {
  std::vector<float> values{static_cast<float>(count)};
  for (double value : a) values.push_back(static_cast<float>(value * factor));
  for (double value : b) values.push_back(static_cast<float>(value * factor));
  return values;
}

}  // namespace

BatchNorm::BatchNorm(const BatchNormSpec& spec)
    : spec_(spec), mean_(index(spec.channels)), variance_(index(spec.channels)) {
  for (auto* factors : {&center_, &scale_, &shift_, &moving_scale_, &moving_shift_, &factor_,
                        &constant_, &linear_}) {
    *factors = AlignedBuffer<float>(index(spec.channels));
  }
}

void BatchNorm::begin(int slices, std::vector<Sums>& sums) const {
  sums.resize(static_cast<std::size_t>(slices));
  for (Sums& one : sums) {
    one.count = 0;
    one.pivot.assign(index(spec_.channels), 0.0f);
    one.first.assign(index(spec_.channels), 0.0);
    one.second.assign(index(spec_.channels), 0.0);
  }
}

void BatchNorm::update_moving(float* parameters) {
  const auto blend = [&](std::size_t place, std::vector<float>& pending) {
    for (std::size_t c = 0; c < pending.size(); ++c) {
      float& value = parameters[place + c];
      value = static_cast<float>(spec_.momentum * value + (1 - spec_.momentum) * pending[c]);
    }
    pending.clear();
  };
  blend(spec_.moving_mean, pending_mean_);
  blend(spec_.moving_variance, pending_variance_);
}

// What the moving statistics are to take in: over replicas the mean, weighted by their values.
void BatchNorm::share_moving(const Join& join, double count) {
  const std::size_t channels = index(spec_.channels);
  auto values = in_f32(count, mean_, variance_, count);
  if (join.all_reduce != nullptr && !spec_.synchronized) (*join.all_reduce)(values);
  pending_mean_.clear();
  pending_variance_.clear();
  if (values[0] == 0.0f) return;
  for (std::size_t c = 0; c < channels; ++c) {
    pending_mean_.push_back(values[1 + c] / values[0]);
    pending_variance_.push_back(values[1 + channels + c] / values[0]);
  }
}

void BatchNormMoments::forward(const Block& block) const {
  if (!block.training) return;
  const BatchNormSpec& spec = norm_.spec_;
  BatchNorm::Sums& sums = sums_[static_cast<std::size_t>(block.slice)];
  const Array x = at(block, spec.x);
  // Differences to a value of the same kind: squares of large means would hide small variances.
  if (sums.count == 0) copy(x, {sums.pivot.data(), Type::f32, spec.channels}, 1, spec.channels);
  const std::int64_t groups = block.rows * spec.groups;
  add_moments(x, groups, spec.channels, sums.pivot.data(), sums.first.data(), sums.second.data());
  sums.count += groups;
}

// Slices are joined as by Chan, Golub and LeVeque (1979).
void BatchNormMoments::finish(const Join& join) {
  const BatchNormSpec& spec = norm_.spec_;
  const std::size_t channels = index(spec.channels);
  std::vector<double>& mean = norm_.mean_;
  std::vector<double> squares(channels);
  double count = 0;
  std::fill(mean.begin(), mean.end(), 0.0);
  for (const BatchNorm::Sums& slice : sums_) {
    if (slice.count == 0) continue;
    const auto n = static_cast<double>(slice.count);
    for (std::size_t c = 0; c < channels; ++c) {
      const double of_slice = slice.pivot[c] + slice.first[c] / n;
      const double difference = of_slice - mean[c];
      mean[c] += difference * n / (count + n);
      squares[c] += slice.second[c] - slice.first[c] * slice.first[c] / n +
                    difference * difference * count * n / (count + n);
    }
    count += n;
  }
  if (spec.synchronized && join.all_reduce != nullptr) {
    auto sums = in_f32(count, mean, {}, count);
    (*join.all_reduce)(sums);
    const double all = std::max(1.0, static_cast<double>(sums[0]));
    for (std::size_t c = 0; c < channels; ++c) {
      const double of_all = sums[1 + c] / all;
      squares[c] += count * (mean[c] - of_all) * (mean[c] - of_all);
      mean[c] = of_all;
    }
    auto spread = in_f32(count, squares, {}, 1);
    (*join.all_reduce)(spread);
    std::copy(spread.begin() + 1, spread.end(), squares.begin());
    count = sums[0];
  }
  norm_.count_ = count;
  for (std::size_t c = 0; c < channels; ++c) {
    norm_.variance_[c] = count > 0 ? std::max(0.0, squares[c] / count) : 0.0;
    const double gamma = spec.scale ? join.parameters[spec.gamma + c] : 1.0;
    const double beta = spec.center ? join.parameters[spec.beta + c] : 0.0;
    const double scale = gamma / std::sqrt(norm_.variance_[c] + spec.epsilon);
    norm_.center_.data()[c] = static_cast<float>(mean[c]);
    norm_.scale_.data()[c] = static_cast<float>(scale);
    norm_.shift_.data()[c] = static_cast<float>(beta - mean[c] * scale);
  }
  norm_.share_moving(join, count);
}

void BatchNormMoments::backward(const Block& block) const {
  const BatchNormSpec& spec = norm_.spec_;
  const auto parts = arrays(block, spec.total ? std::vector{spec.total} : spec.y_gradients);
  NormSlope slope;
  slope.parts = parts;
  if (spec.relu && !spec.total) {
    slope.scale = norm_.scale_.data();
    slope.shift = norm_.shift_.data();
  }
  normalise_backward(at(block, spec.x), block.rows * spec.groups, spec.channels,
                     norm_.center_.data(), slope, norm_.factor_.data(), norm_.constant_.data(),
                     norm_.linear_.data(), at(block, spec.dx));
}

std::vector<TensorId> BatchNormMoments::backward_tensors() const {
  const BatchNormSpec& spec = norm_.spec_;
  return {spec.x.tensor, spec.dx.tensor,
          spec.total ? spec.total.tensor : spec.y_gradients.at(0).tensor};
}

void BatchNormNormalise::prepare(const float* parameters) {
  const BatchNormSpec& spec = norm_->spec_;
  for (std::size_t c = 0; c < index(spec.channels); ++c) {
    const double gamma = spec.scale ? parameters[spec.gamma + c] : 1.0;
    const double beta = spec.center ? parameters[spec.beta + c] : 0.0;
    const double scale = gamma / std::sqrt(parameters[spec.moving_variance + c] + spec.epsilon);
    norm_->moving_scale_.data()[c] = static_cast<float>(scale);
    norm_->moving_shift_.data()[c] =
        static_cast<float>(beta - parameters[spec.moving_mean + c] * scale);
  }
}

void BatchNormNormalise::forward(const Block& block) const {
  const BatchNormSpec& spec = norm_->spec_;
  const auto& scale = block.training ? norm_->scale_ : norm_->moving_scale_;
  const auto& shift = block.training ? norm_->shift_ : norm_->moving_shift_;
  normalise(at(block, spec.x), block.rows * spec.groups, spec.channels, scale.data(), shift.data(),
            array_or_null(block, spec.other), spec.relu, at(block, spec.y));
}

void BatchNormNormalise::backward(const Block& block) const {
  const BatchNormSpec& spec = norm_->spec_;
  BatchNorm::Sums& sums = sums_[static_cast<std::size_t>(block.slice)];
  const auto parts = arrays(block, spec.y_gradients);
  NormSlope slope;
  slope.parts = parts;
  if (spec.relu && spec.other) slope.y = at(block, spec.y);
  if (spec.relu && !spec.other) {
    slope.scale = norm_->scale_.data();
    slope.shift = norm_->shift_.data();
  }
  const bool two = spec.other_gradient && spec.other_gradient.tensor != spec.total.tensor;
  add_slopes(at(block, spec.x), block.rows * spec.groups, spec.channels, norm_->center_.data(),
             slope, array_or_null(block, spec.total),
             two ? at(block, spec.other_gradient) : Array{}, sums.first.data(), sums.second.data());
}

void BatchNormNormalise::finish(const Join& join) {
  const BatchNormSpec& spec = norm_->spec_;
  const std::size_t channels = index(spec.channels);
  std::vector<double> slopes(channels), products(channels);
  for (const BatchNorm::Sums& slice : sums_) {
    for (std::size_t c = 0; c < channels; ++c) {
      slopes[c] += slice.first[c];
      products[c] += slice.second[c];
    }
  }
  for (std::size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(norm_->variance_[c] + spec.epsilon);
    if (spec.scale) join.gradients[spec.gamma + c] += static_cast<float>(products[c] / deviation);
    if (spec.center) join.gradients[spec.beta + c] += static_cast<float>(slopes[c]);
  }
  if (spec.synchronized && join.all_reduce != nullptr) {
    auto sums = in_f32(0, slopes, products, 1);
    (*join.all_reduce)(sums);
    for (std::size_t c = 0; c < channels; ++c) {
      slopes[c] = sums[1 + c];
      products[c] = sums[1 + channels + c];
    }
  }
  const double count = std::max(1.0, norm_->count_);
  for (std::size_t c = 0; c < channels; ++c) {
    const double inverse = 1 / (norm_->variance_[c] + spec.epsilon);
    const double factor = (spec.scale ? join.parameters[spec.gamma + c] : 1.0) * std::sqrt(inverse);
    norm_->factor_.data()[c] = static_cast<float>(factor);
    norm_->constant_.data()[c] = static_cast<float>(factor * slopes[c] / count);
    norm_->linear_.data()[c] = static_cast<float>(factor * inverse * products[c] / count);
  }
}

std::vector<TensorId> BatchNormNormalise::forward_tensors() const {
  const BatchNormSpec& spec = norm_->spec_;
  return {spec.x.tensor, spec.y.tensor, spec.other.tensor};
}

std::vector<TensorId> BatchNormNormalise::backward_tensors() const {
  const BatchNormSpec& spec = norm_->spec_;
  std::vector<TensorId> tensors{spec.x.tensor, spec.total.tensor, spec.other_gradient.tensor};
  if (spec.relu && spec.other) tensors.push_back(spec.y.tensor);
  for (const View& part : spec.y_gradients) tensors.push_back(part.tensor);
  return tensors;
}

}  // namespace headrace::cpu
