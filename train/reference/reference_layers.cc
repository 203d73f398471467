#include "headrace/train/reference/reference_layers.h"

#include <algorithm>
#include <stdexcept>

#include "headrace/train/layers/add.h"
#include "headrace/train/layers/concatenate.h"
#include "headrace/train/layers/dropout.h"
#include "headrace/train/layers/flatten.h"
#include "headrace/train/layers/reshape.h"
#include "headrace/train/layers/zero_padding2d.h"
#include "headrace/train/reference/reference_batch_normalization.h"
#include "headrace/train/reference/reference_kernels.h"

namespace headrace::reference {
namespace {

// Multiplies by the dropout mask, which is its own backward.
Values dropped(const Use& use, const Dropout& layer, Values values) {
  if (use.dropout == nullptr) return values;
  std::vector<float> mask(at(use.input().elements()));
  for (std::int64_t row = 0; row < use.rows; ++row) {
    dropout_mask(*use.dropout, use.node, use.first_row + row, layer.rate(), mask);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      double& value = values[at(row) * mask.size() + i];
      value = mask[i] == 0.0f ? 0.0 : value / (1.0 - layer.rate());
    }
  }
  return values;
}

Values forward(const Use& use, const Dropout& layer, const Values& x) {
  return dropped(use, layer, x);
}

Values backward(const Use& use, const Dropout& layer, const Values&, const Values&,
                const Values& dy, std::span<Values>) {
  return dropped(use, layer, dy);
}

Values forward(const Use&, const Flatten&, const Values& x) { return x; }

Values backward(const Use&, const Flatten&, const Values&, const Values&, const Values& dy,
                std::span<Values>) {
  return dy;
}

Values forward(const Use&, const Reshape&, const Values& x) { return x; }

Values backward(const Use&, const Reshape&, const Values&, const Values&, const Values& dy,
                std::span<Values>) {
  return dy;
}

// Calls visit(input element, output element) for every value that padding moves.
template <class Visit>
void each_moved(const Use& use, const ZeroPadding2D& layer, Visit visit) {
  const Shape &in = use.input(), &out = use.output;
  for (std::int64_t row = 0; row < use.rows; ++row) {
    for (std::int64_t y = 0; y < in[0]; ++y) {
      const std::int64_t from = (row * in[0] + y) * in[1] * in[2];
      const std::int64_t to =
          ((row * out[0] + y + layer.border().top) * out[1] + layer.border().left) * out[2];
      for (std::int64_t i = 0; i < in[1] * in[2]; ++i) visit(at(from + i), at(to + i));
    }
  }
}

Values forward(const Use& use, const ZeroPadding2D& layer, const Values& x) {
  Values y = zeros(use, use.output);
  each_moved(use, layer, [&](std::size_t from, std::size_t to) { y[to] = x[from]; });
  return y;
}

Values backward(const Use& use, const ZeroPadding2D& layer, const Values&, const Values&,
                const Values& dy, std::span<Values>) {
  Values dx = zeros(use, use.input());
  each_moved(use, layer, [&](std::size_t from, std::size_t to) { dx[from] = dy[to]; });
  return dx;
}

// Calls visit(input number, input element, output element) for every value that is joined.
template <class Visit>
void each_joined(const Use& use, const Concatenate& layer, Visit visit) {
  const std::size_t axis = layer.axis_of(use.output.rank());
  std::size_t before = at(use.rows), after = 1;  // elements in front of the axis, and behind it
  for (std::size_t i = 0; i < axis; ++i) before *= at(use.output[i]);
  for (std::size_t i = axis + 1; i < use.output.rank(); ++i) after *= at(use.output[i]);
  const std::size_t stride = at(use.output[axis]) * after;
  std::size_t begin = 0;
  for (std::size_t number = 0; number < use.inputs.size(); ++number) {
    const std::size_t run = at(use.inputs[number][axis]) * after;
    for (std::size_t group = 0; group < before; ++group) {
      for (std::size_t i = 0; i < run; ++i) {
        visit(number, group * run + i, group * stride + begin + i);
      }
    }
    begin += run;
  }
}

Values concatenated(const Use& use, const Concatenate& layer,
                    std::span<const Values* const> inputs) {
  Values y = zeros(use, use.output);
  each_joined(use, layer, [&](std::size_t number, std::size_t from, std::size_t to) {
    y[to] = (*inputs[number])[from];
  });
  return y;
}

std::vector<Values> taken_apart(const Use& use, const Concatenate& layer, const Values& dy) {
  std::vector<Values> slopes;
  for (const Shape& input : use.inputs) slopes.push_back(zeros(use, input));
  each_joined(use, layer, [&](std::size_t number, std::size_t from, std::size_t to) {
    slopes[number][from] = dy[to];
  });
  return slopes;
}

Values sum(std::span<const Values* const> inputs) {
  Values y = *inputs[0];
  for (const Values* input : inputs.subspan(1)) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += (*input)[i];
  }
  return y;
}

// Calls `call` with the layer as what it is.
template <class Call, class... Kinds>
Values with_kind(const Layer& layer, Call call) {
  Values result;
  const auto attempt = [&](const auto* kind) {
    if (kind != nullptr) result = call(*kind);
    return kind != nullptr;
  };
  if (!(attempt(dynamic_cast<const Kinds*>(&layer)) || ...)) {
    throw std::logic_error("reference: no layer " + std::string(layer.kind()));
  }
  return result;
}

template <class Call>
Values of_one_input(const Layer& layer, Call call) {
  return with_kind<Call, Activation, AveragePooling2D, BatchNormalization, Conv2D, Dense,
                   DepthwiseConv2D, Dropout, Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D,
                   LSTM, MaxPooling2D, Reshape, ZeroPadding2D>(layer, call);
}

}  // namespace

Values forward(const Use& use, std::span<const Values* const> inputs) {
  if (dynamic_cast<const Add*>(use.layer) != nullptr) return sum(inputs);
  if (const auto* layer = dynamic_cast<const Concatenate*>(use.layer)) {
    return concatenated(use, *layer, inputs);
  }
  return of_one_input(*use.layer,
                      [&](const auto& layer) { return forward(use, layer, *inputs[0]); });
}

std::vector<Values> backward(const Use& use, std::span<const Values* const> inputs, const Values& y,
                             const Values& dy, std::span<Values> gradients) {
  if (dynamic_cast<const Add*>(use.layer) != nullptr) {
    return std::vector<Values>(inputs.size(), dy);
  }
  if (const auto* layer = dynamic_cast<const Concatenate*>(use.layer)) {
    return taken_apart(use, *layer, dy);
  }
  return {of_one_input(*use.layer, [&](const auto& layer) {
    return backward(use, layer, *inputs[0], y, dy, gradients);
  })};
}

}  // namespace headrace::reference
