#include "headrace/train/reference/reference_kernels.h"

namespace headrace::reference {

Values forward(const Use& use, const Dense& layer, const Values& x) {
  const std::size_t inputs = at(use.input().extents().back()), units = at(layer.units());
  Values y = zeros(use, use.output);
  for (std::size_t row = 0; row < x.size() / inputs; ++row) {
    for (std::size_t unit = 0; unit < units; ++unit) {
      double sum = layer.use_bias() ? use.parameters[1][unit] : 0.0;
      for (std::size_t i = 0; i < inputs; ++i) {
        sum += x[row * inputs + i] * use.parameters[0][i * units + unit];
      }
      y[row * units + unit] = sum;
    }
  }
  return y;
}

Values backward(const Use& use, const Dense& layer, const Values& x, const Values&,
                const Values& dy, std::span<Values> gradients) {
  const std::size_t inputs = at(use.input().extents().back()), units = at(layer.units());
  Values dx = zeros(use, use.input());
  for (std::size_t row = 0; row < x.size() / inputs; ++row) {
    for (std::size_t unit = 0; unit < units; ++unit) {
      const double g = dy[row * units + unit];
      if (layer.use_bias()) gradients[1][unit] += g;
      for (std::size_t i = 0; i < inputs; ++i) {
        gradients[0][i * units + unit] += g * x[row * inputs + i];
        dx[row * inputs + i] += g * use.parameters[0][i * units + unit];
      }
    }
  }
  return dx;
}

}  // namespace headrace::reference
