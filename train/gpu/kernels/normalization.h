#pragma once

#include <cmath>

#include "headrace/train/gpu/kernels/norm_state.h"

// Batch normalisation. Sums over all rows are taken by kernels of another shape: for each channel
// two sums over groups, of what operator() says for a piece, then finish() once for each channel.
namespace headrace::gpu {

// Differences to the first value of each channel: squares of large means would hide small
// variances.
template <int lanes>
struct Moments {
  Pieces<lanes> pieces;
  Array x;
  NormState state;

  HEADRACE_HOST_DEVICE void operator()(std::int64_t group, std::uint32_t first, Values<lanes>& sum,
                                       Values<lanes>& squares) const {
    const auto value = load<lanes>(x, group * x.stride + first);
    const auto pivot = load<lanes>(x, first);
    for (int i = 0; i < lanes; ++i) {
      const float difference = value.at[i] - pivot.at[i];
      sum.at[i] += difference;
      squares.at[i] += difference * difference;
    }
  }
  HEADRACE_HOST_DEVICE void finish(std::uint32_t c, double sum, double squares) const {
    const double mean = sum / state.count;
    const double spread = squares / state.count - mean * mean;
    const double whole = static_cast<double>(load_one(x, c)) + mean;
    const double variance = spread > 0 ? spread : 0;
    state.mean[c] = static_cast<float>(whole);
    state.seen[c] = static_cast<float>(whole + state.lacking(c));
    state.variance[c] = static_cast<float>(variance);
    state.set_scale(c, whole, variance);
  }
};

// y = x scale + shift (+ other), with relu if asked for.
template <int lanes>
struct Normalise {
  Pieces<lanes> pieces;
  Array x, other, y;
  const float* scale = nullptr;
  const float* shift = nullptr;
  bool relu = false;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    auto value = load<lanes>(x, place.in(x));
    for (int i = 0; i < lanes; ++i) {
      const std::uint32_t c = place.first + static_cast<std::uint32_t>(i);
      value.at[i] = value.at[i] * scale[c] + shift[c];
    }
    if (other) {
      const auto more = load<lanes>(other, place.in(other));
      for (int i = 0; i < lanes; ++i) value.at[i] += more.at[i];
    }
    for (int i = 0; relu && i < lanes; ++i) value.at[i] = value.at[i] > 0.0f ? value.at[i] : 0.0f;
    store<lanes>(y, place.in(y), value);
  }
};

// The gradient of what was normalised: the sum of one or two, past the relu.
template <int lanes>
struct NormSlope {
  Array parts[2];
  Array y;  // null: no relu

  HEADRACE_HOST_DEVICE Values<lanes> at(std::int64_t group, std::uint32_t first) const {
    auto slope = load<lanes>(parts[0], group * parts[0].stride + first);
    if (parts[1]) {
      const auto more = load<lanes>(parts[1], group * parts[1].stride + first);
      for (int i = 0; i < lanes; ++i) slope.at[i] += more.at[i];
    }
    if (y) {
      const auto value = load<lanes>(y, group * y.stride + first);
      for (int i = 0; i < lanes; ++i) slope.at[i] = value.at[i] > 0.0f ? slope.at[i] : 0.0f;
    }
    return slope;
  }
};

// The sums that backward needs: of the slopes, and of slopes times (x - mean).
template <int lanes>
struct Slopes {
  Pieces<lanes> pieces;
  Array x;
  NormSlope<lanes> slope;
  Array total;  // takes the slopes; null: nobody needs them
  NormState state;
  float* gamma_gradient = nullptr;  // added to; null: there is none
  float* beta_gradient = nullptr;

  HEADRACE_HOST_DEVICE void operator()(std::int64_t group, std::uint32_t first, Values<lanes>& sum,
                                       Values<lanes>& products) const {
    const auto slopes = slope.at(group, first);
    if (total) store<lanes>(total, group * total.stride + first, slopes);
    const auto value = load<lanes>(x, group * x.stride + first);
    for (int i = 0; i < lanes; ++i) {
      sum.at[i] += slopes.at[i];
      products.at[i] +=
          slopes.at[i] * (value.at[i] - state.mean[first + static_cast<std::uint32_t>(i)]);
    }
  }
  HEADRACE_HOST_DEVICE void finish(std::uint32_t c, double sum, double products) const {
    const double inverse = 1 / (static_cast<double>(state.variance[c]) + state.epsilon);
    const double root = sqrt(inverse);
    if (gamma_gradient != nullptr) gamma_gradient[c] += static_cast<float>(products * root);
    if (beta_gradient != nullptr) beta_gradient[c] += static_cast<float>(sum);
    const double factor =
        (state.gamma != nullptr ? static_cast<double>(state.gamma[c]) : 1.0) * root;
    state.factor[c] = static_cast<float>(factor);
    state.constant[c] = static_cast<float>(factor * sum / state.count);
    state.linear[c] = static_cast<float>(factor * inverse * products / state.count);
  }
};

template <int lanes>
struct NormaliseBackward {
  Pieces<lanes> pieces;
  Array x, dx;
  NormSlope<lanes> slope;
  NormState state;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return pieces.count(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const auto place = pieces.place(item);
    auto slopes = slope.at(place.group, place.first);
    const auto value = load<lanes>(x, place.in(x));
    for (int i = 0; i < lanes; ++i) {
      const std::uint32_t c = place.first + static_cast<std::uint32_t>(i);
      slopes.at[i] = state.factor[c] * slopes.at[i] - state.constant[c] -
                     state.linear[c] * (value.at[i] - state.mean[c]);
    }
    store<lanes>(dx, place.in(dx), slopes);
  }
};

}  // namespace headrace::gpu
