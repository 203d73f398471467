#include "headrace/train/reference/reference_layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "headrace/train/layers/activation.h"
#include "headrace/train/layers/conv2d.h"
#include "headrace/train/layers/dense.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/max_pooling2d.h"

namespace headrace::reference {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

Values zeros(const Use& use, const Shape& shape) {
  return Values(at(use.rows * shape.elements()), 0.0);
}

// Calls visit(row, output pixel, input pixel, window position) for every place of a window that
// lies inside the image; pixels are counted over all rows.
template <class Visit>
void slide(const Use& use, const Window& window, Visit visit) {
  const std::int64_t top = window.along_height(use.input[0]).before;
  const std::int64_t left = window.along_width(use.input[1]).before;
  for (std::int64_t row = 0; row < use.rows; ++row) {
    for (std::int64_t oy = 0; oy < use.output[0]; ++oy) {
      for (std::int64_t ox = 0; ox < use.output[1]; ++ox) {
        for (std::int64_t ky = 0; ky < window.size.height; ++ky) {
          for (std::int64_t kx = 0; kx < window.size.width; ++kx) {
            const std::int64_t iy = oy * window.strides.height + ky - top;
            const std::int64_t ix = ox * window.strides.width + kx - left;
            if (iy < 0 || iy >= use.input[0] || ix < 0 || ix >= use.input[1]) continue;
            visit((row * use.output[0] + oy) * use.output[1] + ox,
                  (row * use.input[0] + iy) * use.input[1] + ix, ky * window.size.width + kx);
          }
        }
      }
    }
  }
}

Values conv_forward(const Use& use, const Conv2D& layer, const Values& x) {
  const std::int64_t channels = use.input[2], filters = layer.filters();
  Values y = zeros(use, use.output);
  const Values& kernel = use.parameters[0];
  slide(use, layer.window(), [&](std::int64_t out, std::int64_t in, std::int64_t tap) {
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t f = 0; f < filters; ++f) {
        y[at(out * filters + f)] +=
            x[at(in * channels + c)] * kernel[at((tap * channels + c) * filters + f)];
      }
    }
  });
  if (layer.use_bias()) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += use.parameters[1][i % at(filters)];
  }
  return y;
}

Values conv_backward(const Use& use, const Conv2D& layer, const Values& x, const Values& dy,
                     std::span<Values> gradients) {
  const std::int64_t channels = use.input[2], filters = layer.filters();
  Values dx = zeros(use, use.input);
  const Values& kernel = use.parameters[0];
  slide(use, layer.window(), [&](std::int64_t out, std::int64_t in, std::int64_t tap) {
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t f = 0; f < filters; ++f) {
        const double g = dy[at(out * filters + f)];
        gradients[0][at((tap * channels + c) * filters + f)] += g * x[at(in * channels + c)];
        dx[at(in * channels + c)] += g * kernel[at((tap * channels + c) * filters + f)];
      }
    }
  });
  if (layer.use_bias()) {
    for (std::size_t i = 0; i < dy.size(); ++i) gradients[1][i % at(filters)] += dy[i];
  }
  return dx;
}

// For each output value the number of the input value it came from; -1 where there is none.
std::vector<std::int64_t> winners(const Use& use, const MaxPooling2D& layer, const Values& x) {
  const std::int64_t channels = use.input[2];
  std::vector<std::int64_t> winner(at(use.rows * use.output.elements()), -1);
  slide(use, layer.window(), [&](std::int64_t out, std::int64_t in, std::int64_t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      std::int64_t& best = winner[at(out * channels + c)];
      const std::int64_t candidate = in * channels + c;
      if (best < 0 || x[at(candidate)] > x[at(best)]) best = candidate;
    }
  });
  return winner;
}

Values dense_forward(const Use& use, const Dense& layer, const Values& x) {
  const std::int64_t inputs = use.input[0], units = layer.units();
  Values y = zeros(use, use.output);
  for (std::int64_t row = 0; row < use.rows; ++row) {
    for (std::int64_t unit = 0; unit < units; ++unit) {
      double sum = layer.use_bias() ? use.parameters[1][at(unit)] : 0.0;
      for (std::int64_t i = 0; i < inputs; ++i) {
        sum += x[at(row * inputs + i)] * use.parameters[0][at(i * units + unit)];
      }
      y[at(row * units + unit)] = sum;
    }
  }
  return y;
}

Values dense_backward(const Use& use, const Dense& layer, const Values& x, const Values& dy,
                      std::span<Values> gradients) {
  const std::int64_t inputs = use.input[0], units = layer.units();
  Values dx = zeros(use, use.input);
  for (std::int64_t row = 0; row < use.rows; ++row) {
    for (std::int64_t unit = 0; unit < units; ++unit) {
      const double g = dy[at(row * units + unit)];
      if (layer.use_bias()) gradients[1][at(unit)] += g;
      for (std::int64_t i = 0; i < inputs; ++i) {
        gradients[0][at(i * units + unit)] += g * x[at(row * inputs + i)];
        dx[at(row * inputs + i)] += g * use.parameters[0][at(i * units + unit)];
      }
    }
  }
  return dx;
}

Values softmax_forward(const Use& use, const Values& x) {
  const std::size_t width = at(use.input[use.input.rank() - 1]);
  Values y(x.size());
  for (std::size_t first = 0; first < x.size(); first += width) {
    const double top = *std::max_element(&x[first], &x[first] + width);
    double sum = 0;
    for (std::size_t i = first; i < first + width; ++i) sum += y[i] = std::exp(x[i] - top);
    for (std::size_t i = first; i < first + width; ++i) y[i] /= sum;
  }
  return y;
}

Values softmax_backward(const Use& use, const Values& y, const Values& dy) {
  const std::size_t width = at(use.input[use.input.rank() - 1]);
  Values dx(y.size());
  for (std::size_t first = 0; first < y.size(); first += width) {
    double dot = 0;
    for (std::size_t i = first; i < first + width; ++i) dot += y[i] * dy[i];
    for (std::size_t i = first; i < first + width; ++i) dx[i] = y[i] * (dy[i] - dot);
  }
  return dx;
}

// Multiplies by the dropout mask, which is its own backward.
Values dropped(const Use& use, const Dropout& layer, Values values) {
  if (use.dropout == nullptr) return values;
  std::vector<float> mask(at(use.input.elements()));
  for (std::int64_t row = 0; row < use.rows; ++row) {
    dropout_mask(*use.dropout, use.node, row, layer.rate(), mask);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      double& value = values[at(row) * mask.size() + i];
      value = mask[i] == 0.0f ? 0.0 : value / (1.0 - layer.rate());
    }
  }
  return values;
}

template <class Kind>
const Kind* as(const Use& use) {
  return dynamic_cast<const Kind*>(use.layer);
}

}  // namespace

Values forward(const Use& use, const Values& x) {
  if (const auto* conv = as<Conv2D>(use)) return conv_forward(use, *conv, x);
  if (const auto* dense = as<Dense>(use)) return dense_forward(use, *dense, x);
  if (const auto* dropout = as<Dropout>(use)) return dropped(use, *dropout, x);
  if (as<Flatten>(use) != nullptr) return x;
  if (const auto* pool = as<MaxPooling2D>(use)) {
    Values y;
    for (std::int64_t winner : winners(use, *pool, x)) y.push_back(x[at(winner)]);
    return y;
  }
  if (const auto* activation = as<Activation>(use)) {
    if (activation->function() == ActivationKind::softmax) return softmax_forward(use, x);
    Values y = x;
    for (double& value : y) value = std::max(value, 0.0);
    return y;
  }
  throw std::logic_error("reference: no such layer");
}

Values backward(const Use& use, const Values& x, const Values& y, const Values& dy,
                std::span<Values> gradients) {
  if (const auto* conv = as<Conv2D>(use)) return conv_backward(use, *conv, x, dy, gradients);
  if (const auto* dense = as<Dense>(use)) return dense_backward(use, *dense, x, dy, gradients);
  if (const auto* dropout = as<Dropout>(use)) return dropped(use, *dropout, dy);
  if (as<Flatten>(use) != nullptr) return dy;
  if (const auto* pool = as<MaxPooling2D>(use)) {
    Values dx = zeros(use, use.input);
    const auto winner = winners(use, *pool, x);
    for (std::size_t i = 0; i < winner.size(); ++i) dx[at(winner[i])] += dy[i];
    return dx;
  }
  if (const auto* activation = as<Activation>(use)) {
    if (activation->function() == ActivationKind::softmax) return softmax_backward(use, y, dy);
    Values dx = dy;
    for (std::size_t i = 0; i < dx.size(); ++i) {
      if (!(y[i] > 0)) dx[i] = 0;
    }
    return dx;
  }
  throw std::logic_error("reference: no such layer");
}

}  // namespace headrace::reference
