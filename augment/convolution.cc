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

void convolve(std::vector<float>& image, ImageShape shape, const std::vector<float>& kernel) {
  const int reach = static_cast<int>(kernel.size()) / 2;
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t pitch = static_cast<std::size_t>(shape.width) * channels;
  std::vector<float> down(image.size());
  for (int y = 0; y < shape.height; ++y) {
    float* out = down.data() + static_cast<std::size_t>(y) * pitch;
    for (int t = -reach; t <= reach; ++t) {
      const int from = fill_index(y + t, shape.height, FillMode::mirror);
      const float* row = image.data() + static_cast<std::size_t>(from) * pitch;
      const float weight = kernel[static_cast<std::size_t>(t + reach)];
      for (std::size_t e = 0; e < pitch; ++e) out[e] += row[e] * weight;
    }
  }
  std::vector<float> padded(pitch + 2 * static_cast<std::size_t>(reach) * channels);
  for (int y = 0; y < shape.height; ++y) {
    const float* row = down.data() + static_cast<std::size_t>(y) * pitch;
    float* to = padded.data();
    for (int x = -reach; x < shape.width + reach; ++x, to += channels) {
      const int from = fill_index(x, shape.width, FillMode::mirror);
      std::copy_n(row + static_cast<std::size_t>(from) * channels, channels, to);
    }
    float* out = image.data() + static_cast<std::size_t>(y) * pitch;
    std::fill_n(out, pitch, 0.0f);
    for (std::size_t t = 0; t < kernel.size(); ++t) {
      const float* shifted = padded.data() + t * channels;
      for (std::size_t e = 0; e < pitch; ++e) out[e] += shifted[e] * kernel[t];
    }
  }
}

}  // namespace headrace
