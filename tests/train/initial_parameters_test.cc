#include "headrace/train/initial_parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "headrace/train/model_builder.h"
#include "headrace/train/models/model_registry.h"

namespace headrace {
namespace {

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
