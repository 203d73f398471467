#include "headrace/augment/rand_augment.h"

#include <array>
#include <cmath>

#include "headrace/augment/policy.h"

namespace headrace {
namespace {

constexpr int bins = 31;

// Magnitudes go evenly from `first` to `last`; signed ones are drawn with a sign.
struct Choice {
  PolicyOperation operation;
  double first = 0;
  double last = 0;
  bool is_signed = false;
};

using P = PolicyOperation;

std::array<Choice, 14> choices_of_rand_augment(ImageSize size) {
  return {{{P::identity},
           {P::shear_x, 0, 0.3, true},
           {P::shear_y, 0, 0.3, true},
           {P::translate_x, 0, 150.0 / 331 * size.width, true},
           {P::translate_y, 0, 150.0 / 331 * size.height, true},
           {P::rotate, 0, 30, true},
           {P::brightness, 0, 0.9, true},
           {P::saturation, 0, 0.9, true},
           {P::contrast, 0, 0.9, true},
           {P::sharpness, 0, 0.9, true},
           {P::posterize, 8, 4},
           {P::solarize, 255, 0},
           {P::autocontrast},
           {P::equalize}}};
}

constexpr std::array<Choice, 14> choices_of_trivial_augment = {{{P::identity},
                                                                {P::shear_x, 0, 0.99, true},
                                                                {P::shear_y, 0, 0.99, true},
                                                                {P::translate_x, 0, 32, true},
                                                                {P::translate_y, 0, 32, true},
                                                                {P::rotate, 0, 135, true},
                                                                {P::brightness, 0, 0.99, true},
                                                                {P::saturation, 0, 0.99, true},
                                                                {P::contrast, 0, 0.99, true},
                                                                {P::sharpness, 0, 0.99, true},
                                                                {P::posterize, 8, 2},
                                                                {P::solarize, 255, 0},
                                                                {P::autocontrast},
                                                                {P::equalize}}};

void apply(const Choice& choice, int bin, Rng& rng, Geometry& geometry) {
  double magnitude = choice.first + (choice.last - choice.first) * bin / (bins - 1);
  if (choice.operation == P::posterize) magnitude = std::round(magnitude);
  if (rng.chance(0.5) && choice.is_signed) magnitude = -magnitude;
  apply_policy(choice.operation, magnitude, geometry);
}

Parameter rand_parameter() {
  return fields_parameter("rand_augment",
                          "apply so many random operations of one magnitude (0 to 30)",
                          {{"count", 0, 8, 2}, {"magnitude", 0, bins - 1, 9}});
}

void plan_rand_augment(const ParameterValue& value, Rng& rng, Geometry& geometry) {
  const auto count = static_cast<int>(field_of(rand_parameter(), value, 0));
  const auto magnitude = static_cast<int>(field_of(rand_parameter(), value, 1));
  const auto choices = choices_of_rand_augment(geometry.output);
  for (int i = 0; i < count; ++i) {
    apply(choices[rng.below(choices.size())], magnitude, rng, geometry);
  }
}

void plan_trivial_augment(const ParameterValue&, Rng& rng, Geometry& geometry) {
  const Choice& choice = choices_of_trivial_augment[rng.below(choices_of_trivial_augment.size())];
  apply(choice, static_cast<int>(rng.below(bins)), rng, geometry);
}

}  // namespace

Operation rand_augment() { return {rand_parameter(), plan_rand_augment}; }

Operation trivial_augment() {
  return {flag_parameter("trivial_augment", "apply one random operation of a random magnitude"),
          plan_trivial_augment};
}

}  // namespace headrace
