#include "headrace/train/cpu/activation_functions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "headrace/pipeline/rng.h"

namespace headrace::cpu {
namespace {

std::vector<float> grid() {
  std::vector<float> x;
  for (int i = -30'011; i <= 30'011; ++i) x.push_back(static_cast<float>(i) * 4e-4f);
  return x;
}

struct Function {
  ActivationKind kind;
  std::function<double(double)> value;
  std::function<double(double)> slope;
};

double normal_below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<Function> smooth_functions() {
  return {
      {ActivationKind::gelu, [](double x) { return x * normal_below(x); },
       [](double x) {
         return normal_below(x) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0));
       }},
      {ActivationKind::silu, [](double x) { return x * logistic(x); },
       [](double x) { return logistic(x) * (1 + x * (1 - logistic(x))); }},
      {ActivationKind::sigmoid, logistic, [](double x) { return logistic(x) * (1 - logistic(x)); }},
      {ActivationKind::tanh, [](double x) { return std::tanh(x); },
       [](double x) { return 1 - std::tanh(x) * std::tanh(x); }}};
}

TEST(ActivationFunctions, ValuesAndSlopesAreTheFunctionsOwn) {
  const std::vector<float> x = grid(), ones(x.size(), 1.0f);
  const auto size = static_cast<std::int64_t>(x.size());
  for (const Function& function : smooth_functions()) {
    std::vector<float> y(x.size()), dx(x.size());
    activate(function.kind, 0, size, x.data(), y.data());
    activate_backward(function.kind, 0, size, x.data(), y.data(), ones.data(), dx.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double value = function.value(x[i]), slope = function.slope(x[i]);
      EXPECT_NEAR(y[i], value, 5e-7 * std::max(1.0, std::abs(value)));
      EXPECT_NEAR(dx[i], slope, 2e-6) << x[i];
    }
  }
}

TEST(ActivationFunctions, GeluOfWhatIsLargeIsThatOrNothing) {
  const std::vector<float> x{1e30f, 100.0f, -100.0f, -1e30f, 0.0f};
  std::vector<float> y(5), dx(5), ones(5, 1.0f);
  activate(ActivationKind::gelu, 0, 5, x.data(), y.data());
  activate_backward(ActivationKind::gelu, 0, 5, x.data(), y.data(), ones.data(), dx.data());
  EXPECT_EQ(y, (std::vector<float>{1e30f, 100.0f, 0.0f, 0.0f, 0.0f}));
  EXPECT_NEAR(dx[1], 1, 1e-6);
  EXPECT_NEAR(dx[2], 0, 1e-6);
}

TEST(Softmax, AgreesWithTheFormulaAtEveryWidth) {
  Rng rng(1, 0);
  for (std::int64_t width : {1, 2, 7, 10, 15, 16, 17, 33, 100, 1000}) {
    const auto size = static_cast<std::size_t>(3 * width);
    std::vector<float> x(size), dy(size), y(size), dx(size);
    for (float& value : x) value = static_cast<float>(8 * rng.normal());
    for (float& value : dy) value = static_cast<float>(rng.normal());
    softmax(x.data(), 3, width, y.data());
    softmax_backward(3, width, y.data(), dy.data(), dx.data());
    for (std::size_t first = 0; first < size; first += static_cast<std::size_t>(width)) {
      const auto last = first + static_cast<std::size_t>(width);
      double top = x[first], sum = 0, dot = 0;
      for (std::size_t i = first; i < last; ++i) top = std::max<double>(top, x[i]);
      for (std::size_t i = first; i < last; ++i) sum += std::exp(x[i] - top);
      for (std::size_t i = first; i < last; ++i) dot += std::exp(x[i] - top) / sum * dy[i];
      for (std::size_t i = first; i < last; ++i) {
        const double value = std::exp(x[i] - top) / sum;
        EXPECT_NEAR(y[i], value, 1e-6);
        EXPECT_NEAR(dx[i], value * (dy[i] - dot), 2e-6);
      }
    }
    softmax(x.data(), 3, width, x.data());
    EXPECT_EQ(x, y) << "in place";
  }
}

TEST(Softmax, WhatIsFarBelowIsNothingAndNoNumberStaysNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> x{0.0f, -200.0f, -std::numeric_limits<float>::infinity(), 1.0f, nan, 2.0f};
  softmax(x.data(), 2, 3, x.data());
  EXPECT_EQ(x[0], 1.0f);
  EXPECT_EQ(x[1], 0.0f);
  EXPECT_EQ(x[2], 0.0f);
  for (std::size_t i = 3; i < 6; ++i) EXPECT_TRUE(std::isnan(x[i]));
}

}  // namespace
}  // namespace headrace::cpu
