#include "headrace/train/initial_parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "../support/error_matcher.h"
#include "headrace/train/initializer.h"
#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

TEST(InitialParameters, HaveKerasNamesInTheGraphsOrder) {
  const auto tensors = initial_parameters(make_model("mnist_cnn", {28, 28, 1}, 10), 1);
  ASSERT_EQ(tensors.size(), 4u);
  EXPECT_EQ(tensors[0].name, "conv2d/kernel");
  EXPECT_EQ(tensors[0].shape, Shape({3, 3, 1, 32}));
  EXPECT_EQ(tensors[1].name, "conv2d/bias");
  EXPECT_EQ(tensors[2].name, "dense/kernel");
  EXPECT_EQ(tensors[2].shape, Shape({5408, 10}));
  EXPECT_EQ(tensors[3].name, "dense/bias");
}

TEST(InitialParameters, KernelsAreGlorotUniformAndBiasesZero) {
  const auto tensors = initial_parameters(make_model("mnist_cnn", {28, 28, 1}, 10), 1);
  const auto& kernel = tensors[2].values;
  const double limit = std::sqrt(6.0 / (5408 + 10));
  double sum = 0, squares = 0;
  for (float value : kernel) {
    sum += value;
    squares += double(value) * value;
  }
  const auto count = static_cast<double>(kernel.size());
  EXPECT_LE(*std::max_element(kernel.begin(), kernel.end()), limit);
  EXPECT_GE(*std::min_element(kernel.begin(), kernel.end()), -limit);
  EXPECT_GT(*std::max_element(kernel.begin(), kernel.end()), 0.99 * limit);
  EXPECT_NEAR(sum / count, 0, 5 * limit / std::sqrt(3 * count));
  EXPECT_NEAR(squares / count, limit * limit / 3, 0.02 * limit * limit / 3);
  EXPECT_EQ(tensors[3].values, std::vector<float>(10, 0.0f));
  EXPECT_LE(*std::max_element(tensors[0].values.begin(), tensors[0].values.end()),
            std::sqrt(6.0 / (9 + 9 * 32)));
}

TEST(Initializer, NamesComeBack) {
  for (const char* name : {"zeros", "ones", "glorot_uniform", "glorot_normal", "he_uniform",
                           "he_normal", "lecun_uniform", "lecun_normal", "orthogonal",
                           "unit_forget_bias", "variance_scaling(0.5, fan_avg, uniform)",
                           "variance_scaling(2, fan_out, truncated_normal)"}) {
    EXPECT_EQ(Initializer::of(name).name(), name);
  }
  EXPECT_EQ(Initializer::of("variance_scaling(2, fan_out, untruncated_normal)"),
            Initializer::he_normal_fan_out);
  for (const char* name :
       {"", "he", "variance_scaling", "variance_scaling(2, fan_out)",
        "variance_scaling(-1, fan_in, uniform)", "variance_scaling(2x, fan_in, uniform)",
        "variance_scaling(2, fan, uniform)"}) {
    EXPECT_THAT([&] { Initializer::of(name); },
                throws_error(ErrorCode::invalid_argument, HasSubstr("known: zeros, ones")));
  }
}

TEST(Initializer, NormalsHaveTheVarianceAndAreCutWhereKerasCutsThem) {
  const Shape shape{3, 3, 32, 64};
  const double fan_in = 9 * 32, fan_out = 9 * 64;
  const auto check = [&](const char* name, double variance, double largest) {
    const auto values = initial_values(Initializer::of(name), shape, Rng(1, 2));
    double squares = 0, top = 0;
    for (float value : values) {
      squares += double(value) * value;
      top = std::max(top, std::abs(double(value)));
    }
    EXPECT_NEAR(squares / static_cast<double>(values.size()), variance, 0.03 * variance) << name;
    EXPECT_LE(top, largest * std::sqrt(variance)) << name;
    EXPECT_GE(top, 0.99 * largest * std::sqrt(variance)) << name;
  };
  const double cut = 2 / 0.87962566103423978;
  check("he_normal", 2 / fan_in, cut);
  check("lecun_normal", 1 / fan_in, cut);
  check("glorot_normal", 2 / (fan_in + fan_out), cut);
  check("he_uniform", 2 / fan_in, std::sqrt(3.0));
  const auto values = initial_values(Initializer::he_normal_fan_out, shape, Rng(1, 2));
  EXPECT_GT(*std::max_element(values.begin(), values.end()), 3 * std::sqrt(2 / fan_out));
}

TEST(Initializer, OrthogonalRowsOrColumnsAreOrthonormal) {
  for (const auto& extents : {std::pair{6, 24}, std::pair{24, 6}, std::pair{5, 5}}) {
    const int rows = extents.first, columns = extents.second;
    const auto values = initial_values(Initializer::orthogonal, {rows, columns}, Rng(3, 0));
    const bool by_rows = rows < columns;
    for (int a = 0; a < std::min(rows, columns); ++a) {
      for (int b = 0; b <= a; ++b) {
        double dot = 0;
        for (int i = 0; i < std::max(rows, columns); ++i) {
          const auto value = [&](int vector) {
            const int at = by_rows ? vector * columns + i : i * columns + vector;
            return double(values[static_cast<std::size_t>(at)]);
          };
          dot += value(a) * value(b);
        }
        EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-6);
      }
    }
  }
}

TEST(Initializer, TheForgetGateBeginsOpen) {
  EXPECT_EQ(initial_values(Initializer::unit_forget_bias, {8}, Rng(1, 0)),
            (std::vector<float>{0, 0, 1, 1, 0, 0, 0, 0}));
}

TEST(InitialParameters, AreAFunctionOfSeedLayerAndParameter) {
  ModelBuilder b;
  b.dense(b.dense(b.input({6}), 6), 6);
  const auto one = initial_parameters(b.build(), 1);
  const auto again = initial_parameters(b.build(), 1);
  const auto other = initial_parameters(b.build(), 2);
  EXPECT_EQ(one[0].values, again[0].values);
  EXPECT_NE(one[0].values, other[0].values);
  EXPECT_NE(one[0].values, one[2].values);
}

}  // namespace
}  // namespace headrace
