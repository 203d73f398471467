#include "headrace/augment/auto_augment.h"

#include <array>
#include <cmath>
#include <string>

#include "headrace/augment/policy.h"

namespace headrace {
namespace {

using P = PolicyOperation;

struct Step {
  PolicyOperation operation;
  double probability;
  int magnitude;  // 0 to 9
};

using Pair = std::array<Step, 2>;
using Policy = std::array<Pair, 25>;

// The tables of the paper's appendix.
constexpr Policy imagenet = {{
    {{{P::posterize, 0.4, 8}, {P::rotate, 0.6, 9}}},
    {{{P::solarize, 0.6, 5}, {P::autocontrast, 0.6, 0}}},
    {{{P::equalize, 0.8, 0}, {P::equalize, 0.6, 0}}},
    {{{P::posterize, 0.6, 7}, {P::posterize, 0.6, 6}}},
    {{{P::equalize, 0.4, 0}, {P::solarize, 0.2, 4}}},
    {{{P::equalize, 0.4, 0}, {P::rotate, 0.8, 8}}},
    {{{P::solarize, 0.6, 3}, {P::equalize, 0.6, 0}}},
    {{{P::posterize, 0.8, 5}, {P::equalize, 1, 0}}},
    {{{P::rotate, 0.2, 3}, {P::solarize, 0.6, 8}}},
    {{{P::equalize, 0.6, 0}, {P::posterize, 0.4, 6}}},
    {{{P::rotate, 0.8, 8}, {P::saturation, 0.4, 0}}},
    {{{P::rotate, 0.4, 9}, {P::equalize, 0.6, 0}}},
    {{{P::equalize, 0, 0}, {P::equalize, 0.8, 0}}},
    {{{P::invert, 0.6, 0}, {P::equalize, 1, 0}}},
    {{{P::saturation, 0.6, 4}, {P::contrast, 1, 8}}},
    {{{P::rotate, 0.8, 8}, {P::saturation, 1, 2}}},
    {{{P::saturation, 0.8, 8}, {P::solarize, 0.8, 7}}},
    {{{P::sharpness, 0.4, 7}, {P::invert, 0.6, 0}}},
    {{{P::shear_x, 0.6, 5}, {P::equalize, 1, 0}}},
    {{{P::saturation, 0.4, 0}, {P::equalize, 0.6, 0}}},
    {{{P::equalize, 0.4, 0}, {P::solarize, 0.2, 4}}},
    {{{P::solarize, 0.6, 5}, {P::autocontrast, 0.6, 0}}},
    {{{P::invert, 0.6, 0}, {P::equalize, 1, 0}}},
    {{{P::saturation, 0.6, 4}, {P::contrast, 1, 8}}},
    {{{P::equalize, 0.8, 0}, {P::equalize, 0.6, 0}}},
}};

constexpr Policy cifar10 = {{
    {{{P::invert, 0.1, 0}, {P::contrast, 0.2, 6}}},
    {{{P::rotate, 0.7, 2}, {P::translate_x, 0.3, 9}}},
    {{{P::sharpness, 0.8, 1}, {P::sharpness, 0.9, 3}}},
    {{{P::shear_y, 0.5, 8}, {P::translate_y, 0.7, 9}}},
    {{{P::autocontrast, 0.5, 0}, {P::equalize, 0.9, 0}}},
    {{{P::shear_y, 0.2, 7}, {P::posterize, 0.3, 7}}},
    {{{P::saturation, 0.4, 3}, {P::brightness, 0.6, 7}}},
    {{{P::sharpness, 0.3, 9}, {P::brightness, 0.7, 9}}},
    {{{P::equalize, 0.6, 0}, {P::equalize, 0.5, 0}}},
    {{{P::contrast, 0.6, 7}, {P::sharpness, 0.6, 5}}},
    {{{P::saturation, 0.7, 7}, {P::translate_x, 0.5, 8}}},
    {{{P::equalize, 0.3, 0}, {P::autocontrast, 0.4, 0}}},
    {{{P::translate_y, 0.4, 3}, {P::sharpness, 0.2, 6}}},
    {{{P::brightness, 0.9, 6}, {P::saturation, 0.2, 8}}},
    {{{P::solarize, 0.5, 2}, {P::invert, 0, 0}}},
    {{{P::equalize, 0.2, 0}, {P::autocontrast, 0.6, 0}}},
    {{{P::equalize, 0.2, 0}, {P::equalize, 0.6, 0}}},
    {{{P::saturation, 0.9, 9}, {P::equalize, 0.6, 0}}},
    {{{P::autocontrast, 0.8, 0}, {P::solarize, 0.2, 8}}},
    {{{P::brightness, 0.1, 3}, {P::saturation, 0.7, 0}}},
    {{{P::solarize, 0.4, 5}, {P::autocontrast, 0.9, 0}}},
    {{{P::translate_y, 0.9, 9}, {P::translate_y, 0.7, 9}}},
    {{{P::autocontrast, 0.9, 0}, {P::solarize, 0.8, 3}}},
    {{{P::equalize, 0.8, 0}, {P::invert, 0.1, 0}}},
    {{{P::translate_y, 0.7, 9}, {P::autocontrast, 0.9, 0}}},
}};

constexpr Policy svhn = {{
    {{{P::shear_x, 0.9, 4}, {P::invert, 0.2, 0}}},
    {{{P::shear_y, 0.9, 8}, {P::invert, 0.7, 0}}},
    {{{P::equalize, 0.6, 0}, {P::solarize, 0.6, 6}}},
    {{{P::invert, 0.9, 0}, {P::equalize, 0.6, 0}}},
    {{{P::equalize, 0.6, 0}, {P::rotate, 0.9, 3}}},
    {{{P::shear_x, 0.9, 4}, {P::autocontrast, 0.8, 0}}},
    {{{P::shear_y, 0.9, 8}, {P::invert, 0.4, 0}}},
    {{{P::shear_y, 0.9, 5}, {P::solarize, 0.2, 6}}},
    {{{P::invert, 0.9, 0}, {P::autocontrast, 0.8, 0}}},
    {{{P::equalize, 0.6, 0}, {P::rotate, 0.9, 3}}},
    {{{P::shear_x, 0.9, 4}, {P::solarize, 0.3, 3}}},
    {{{P::shear_y, 0.8, 8}, {P::invert, 0.7, 0}}},
    {{{P::equalize, 0.9, 0}, {P::translate_y, 0.6, 6}}},
    {{{P::invert, 0.9, 0}, {P::equalize, 0.6, 0}}},
    {{{P::contrast, 0.3, 3}, {P::rotate, 0.8, 4}}},
    {{{P::invert, 0.8, 0}, {P::translate_y, 0, 2}}},
    {{{P::shear_y, 0.7, 6}, {P::solarize, 0.4, 8}}},
    {{{P::invert, 0.6, 0}, {P::rotate, 0.8, 4}}},
    {{{P::shear_y, 0.3, 7}, {P::translate_x, 0.9, 3}}},
    {{{P::shear_x, 0.1, 6}, {P::invert, 0.6, 0}}},
    {{{P::solarize, 0.7, 2}, {P::translate_y, 0.6, 7}}},
    {{{P::shear_y, 0.8, 4}, {P::invert, 0.8, 0}}},
    {{{P::shear_x, 0.7, 9}, {P::translate_y, 0.8, 3}}},
    {{{P::shear_y, 0.8, 5}, {P::autocontrast, 0.7, 0}}},
    {{{P::shear_x, 0.7, 2}, {P::invert, 0.1, 0}}},
}};

// What magnitude 0 to 9 of an operation is.
double magnitude_of(const Step& step, ImageSize size) {
  const double share = step.magnitude / 9.0;
  switch (step.operation) {
    case P::shear_x:
    case P::shear_y: return 0.3 * share;
    case P::translate_x: return 150.0 / 331 * size.width * share;
    case P::translate_y: return 150.0 / 331 * size.height * share;
    case P::rotate: return 30 * share;
    case P::brightness:
    case P::saturation:
    case P::contrast:
    case P::sharpness: return 0.9 * share;
    case P::posterize: return 8 - std::nearbyint(4 * share);
    case P::solarize: return 255 * (1 - share);
    default: return 0;
  }
}

bool has_sign(PolicyOperation operation) {
  return operation >= P::shear_x && operation <= P::sharpness;
}

const Policy& policy_of(const std::string& name) {
  if (name == "cifar10") return cifar10;
  return name == "svhn" ? svhn : imagenet;
}

void plan(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const Policy& policy = policy_of(std::get<std::string>(value));
  for (const Step& step : policy[rng.below(policy.size())]) {
    const bool applies = rng.chance(step.probability);
    const bool negative = rng.chance(0.5) && has_sign(step.operation);
    const double magnitude = magnitude_of(step, geometry.output);
    if (applies) apply_policy(step.operation, negative ? -magnitude : magnitude, geometry);
  }
}

}  // namespace

Operation auto_augment() {
  Parameter parameter =
      flag_parameter("auto_augment", "apply a pair of operations of the policy learned on this");
  parameter.kind = ParameterKind::choice;
  parameter.default_value = std::string("none");
  parameter.choices = {"none", "imagenet", "cifar10", "svhn"};
  return {parameter, plan};
}

}  // namespace headrace
