#pragma once

#include <cmath>

#include "headrace/train/gpu/values.h"

// One step of an optimizer over flat arenas; formulas and their order as in optimizer.h.
namespace headrace::gpu {

enum class UpdateKind : std::uint8_t { sgd, momentum, nesterov, adam, rmsprop };

// What changes from step to step, in the device's memory.
struct UpdateScalars {
  float rate = 0;   // of Adam: with its corrections
  float decay = 0;  // share of the weights that is lost
  float average_keep = 0, average_take = 0;
  std::int32_t overwrite = 0;  // not 0: the weights become their averages
};

// Also false of what is no number.
HEADRACE_HOST_DEVICE bool is_finite(double value) { return value - value == 0; }

constexpr std::uint32_t places_of_owner = 16;  // floats of an arena that belong to one parameter

// A parameter as the optimizer sees it.
struct ParameterRule {
  std::uint32_t decays = 1;
  float scale = 1;  // of its gradients, that clipping asks for
};

struct Update {
  UpdateKind kind = UpdateKind::sgd;
  bool centered = false;
  bool has_momentum = false;  // of rmsprop
  float limit = 0;            // that gradients are cut off at; 0: none
  float first = 0;            // momentum; 1 - beta_1; rho
  float second = 0;           // 1 - beta_2; 1 - rho
  float epsilon = 0;
  float momentum = 0;  // of rmsprop
  std::int64_t size = 0;
  const UpdateScalars* scalars = nullptr;
  const std::uint16_t* owners = nullptr;  // of each 16 floats
  const ParameterRule* rules = nullptr;
  const float* gradients = nullptr;
  float* weights = nullptr;
  float* slots[4] = {};
  float* average = nullptr;             // null: none is kept
  std::uint16_t* halves = nullptr;      // the weights in bf16; null: nobody needs them
  const std::uint32_t* halt = nullptr;  // not 0: all stays as it is; null: it never does

  HEADRACE_HOST_DEVICE std::int64_t items() const { return size; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    if (halt != nullptr && *halt != 0) return;
    const std::int64_t i = item;
    const ParameterRule rule = rules[owners[item / places_of_owner]];
    float g = gradients[i] * rule.scale;
    if (limit > 0) {
      if (g < -limit) g = -limit;
      if (g > limit) g = limit;
    }
    float w = weights[i];
    w = w - w * (rule.decays != 0 ? scalars->decay : 0.0f);
    w = move(i, g, w);
    if (average != nullptr) {
      average[i] = scalars->average_keep * average[i] + scalars->average_take * w;
      if (scalars->overwrite != 0) w = average[i];
    }
    weights[i] = w;
    if (halves != nullptr) halves[i] = static_cast<std::uint16_t>(to_bf16(w));
  }

  HEADRACE_HOST_DEVICE float move(std::int64_t i, float g, float w) const {
    const float rate = scalars->rate;
    switch (kind) {
      case UpdateKind::sgd: return w - rate * g;
      case UpdateKind::momentum: {
        const float v = slots[0][i] = first * slots[0][i] - rate * g;
        return w + v;
      }
      case UpdateKind::nesterov: {
        const float change = rate * g;
        const float v = slots[0][i] = first * slots[0][i] - change;
        return w + (first * v - change);
      }
      case UpdateKind::adam: {
        const float m = slots[0][i] += first * (g - slots[0][i]);
        const float s = slots[1][i] += second * (g * g - slots[1][i]);
        return w - rate * m / (sqrtf(s) + epsilon);
      }
      case UpdateKind::rmsprop: break;
    }
    const float s = slots[0][i] = first * slots[0][i] + second * g * g;
    float root = s + epsilon;
    if (centered) {
      float* means = slots[has_momentum ? 2 : 1];
      const float mean = means[i] = first * means[i] + second * g;
      root = s - mean * mean + epsilon;
    }
    const float change = rate * g / sqrtf(root);
    if (!has_momentum) return w - change;
    const float v = slots[1][i] = momentum * slots[1][i] + change;
    return w - v;
  }
};

// The weights in bf16.
struct Halve {
  std::int64_t size = 0;
  const float* from = nullptr;
  std::uint16_t* to = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return size; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    to[item] = static_cast<std::uint16_t>(to_bf16(from[item]));
  }
};

// Two arenas exchange their values.
struct Exchange {
  std::int64_t size = 0;
  float* one = nullptr;
  float* other = nullptr;

  HEADRACE_HOST_DEVICE std::int64_t items() const { return size; }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const float value = one[item];
    one[item] = other[item];
    other[item] = value;
  }
};

}  // namespace headrace::gpu
