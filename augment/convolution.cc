#include "headrace/augment/convolution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "headrace/augment/axis.h"

namespace headrace {
namespace {

// e^-x for x >= 0; the same to the last bit on every machine, which the C library's is not.
double decay(double x) {
  constexpr double eighth = 1.0 / 256;
  double term = 1;
  double sum = 1;
  for (int k = 1; k < 20; ++k) sum += term *= -x * eighth / k;
  for (int k = 0; k < 8; ++k) sum *= sum;
  return x > 256 ? 0 : sum;
}

}  // namespace

std::vector<float> gaussian_kernel(int size, double deviation) {
  std::vector<double> weights;
  for (int i = 0; i < size; ++i) {
    const double x = (i - size / 2) / deviation;
    weights.push_back(decay(x * x / 2));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<float> kernel;
  for (const double weight : weights) kernel.push_back(static_cast<float>(weight / sum));
  return kernel;
}

namespace {

// The index from which index i - reach of a mirrored axis comes, at i.
std::vector<int> mirrored(int extent, int reach) {
  std::vector<int> from;
  for (int i = -reach; i < extent + reach; ++i) {
    from.push_back(fill_index(i, extent, FillMode::mirror));
  }
  return from;
}

// Row after row, down and then across, so that no image lies between. `load(row, values)` and
// `store(row, values)` are of a row of the image; each row is loaded before it is stored.
template <class Load, class Store>
void convolve_rows(ImageShape shape, const std::vector<float>& kernel, const PaintKernels& kernels,
                   const Load& load, const Store& store) {
  const int reach = static_cast<int>(kernel.size()) / 2;
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t pitch = static_cast<std::size_t>(shape.width) * channels;
  const std::size_t before = static_cast<std::size_t>(reach) * channels;
  const std::vector<int> row_from = mirrored(shape.height, reach);
  const std::vector<int> column_from = mirrored(shape.width, reach);
  // The rows that are wanted at a time, row i in place i modulo their number.
  std::vector<float> values(kernel.size() * pitch);
  const auto place = [&](int row) {
    return values.data() + static_cast<std::size_t>(row) % kernel.size() * pitch;
  };
  std::vector<float> padded(pitch + 2 * before);
  std::vector<float> sums(pitch);
  std::vector<const float*> rows(kernel.size());
  std::vector<const float*> shifted;
  for (std::size_t t = 0; t < kernel.size(); ++t) shifted.push_back(padded.data() + t * channels);
  const auto fill = [&](std::size_t column) {
    const std::size_t from = static_cast<std::size_t>(column_from[column]) * channels + before;
    std::copy_n(padded.data() + from, channels, padded.data() + column * channels);
  };
  int next = 0;
  for (int y = 0; y < shape.height; ++y) {
    for (; next <= std::min(y + reach, shape.height - 1); ++next) load(next, place(next));
    for (std::size_t t = 0; t < kernel.size(); ++t) {
      rows[t] = place(row_from[static_cast<std::size_t>(y) + t]);
    }
    kernels.weigh(rows.data(), kernel.data(), kernel.size(), pitch, padded.data() + before);
    for (std::size_t i = 0; i < static_cast<std::size_t>(reach); ++i) {
      fill(i);
      fill(column_from.size() - 1 - i);
    }
    kernels.weigh(shifted.data(), kernel.data(), kernel.size(), pitch, sums.data());
    store(y, sums.data());
  }
}

std::size_t pitch_of(ImageShape shape) {
  return shape.elements() / static_cast<std::size_t>(shape.height);
}

}  // namespace

void convolve(float* image, ImageShape shape, const std::vector<float>& kernel,
              const PaintKernels& kernels) {
  const std::size_t pitch = pitch_of(shape);
  const auto row = [&](int y) { return image + static_cast<std::size_t>(y) * pitch; };
  convolve_rows(
      shape, kernel, kernels, [&](int y, float* values) { std::copy_n(row(y), pitch, values); },
      [&](int y, const float* values) { std::copy_n(values, pitch, row(y)); });
}

void convolve(std::uint8_t* image, ImageShape shape, const std::vector<float>& kernel,
              const PaintKernels& kernels) {
  const std::size_t pitch = pitch_of(shape);
  const auto row = [&](int y) { return image + static_cast<std::size_t>(y) * pitch; };
  convolve_rows(
      shape, kernel, kernels,
      [&](int y, float* values) { kernels.to_values(row(y), pitch, values); },
      [&](int y, const float* values) { kernels.round_levels(values, pitch, row(y)); });
}

}  // namespace headrace
