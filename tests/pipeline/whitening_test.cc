#include "headrace/pipeline/whitening.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

constexpr std::int64_t images = 400;

// Images of 2x3x2 f32, whose values lean on one another.
class Leaning final : public Sequence {
 public:
  explicit Leaning(std::int64_t count) : count_(count) {}
  std::int64_t size() const override { return count_; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t r = 0; r < rows.count(); ++r) {
      Rng rng = Rng(3, 0).for_sample(static_cast<std::uint64_t>(first + r));
      float before = 0;
      for (int e = 0; e < 12; ++e) {
        before = before * 0.7f + static_cast<float>(rng.uniform(0, 100)) + static_cast<float>(e);
        rows.row_as<float>(0, r)[e] = before;
      }
    }
  }

 private:
  std::int64_t count_;
  BatchSpec spec_{{{"image", ElementType::f32, {2, 3, 2}}}};
};

Loader one_epoch(std::int64_t count) {
  return Loader(std::make_shared<Leaning>(count), {.batch_size = 32, .epochs = 1});
}

TEST(Whitening, EigenvectorsDiagonaliseASymmetricMatrix) {
  constexpr std::size_t n = 40;
  Rng rng(1, 0);
  std::vector<double> matrix(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      matrix[i * n + j] = matrix[j * n + i] = rng.uniform(-1, 1);
    }
  }
  std::vector<double> vectors = matrix;
  const std::vector<double> values = eigenvectors(vectors, n);
  for (std::size_t k = 0; k < n; ++k) {
    double length = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double product = 0;
      for (std::size_t j = 0; j < n; ++j) product += matrix[i * n + j] * vectors[k * n + j];
      EXPECT_NEAR(product, values[k] * vectors[k * n + i], 1e-11);
      length += vectors[k * n + i] * vectors[k * n + i];
    }
    EXPECT_NEAR(length, 1, 1e-12);
  }
}

// Values times W, of the images that it was fitted to, have the covariance of noise.
TEST(Whitening, LeavesValuesUncorrelatedAndOfDeviationOne) {
  constexpr double rescale = 0.01;
  constexpr std::size_t n = 12;
  Loader loader = one_epoch(images);
  const std::vector<float> w = fit_whitening(loader, rescale, 1e-6);
  ASSERT_EQ(w.size(), n * n);
  Loader again = one_epoch(images);
  std::vector<double> values;
  while (const auto batch = again.next()) {
    for (const float value : batch->field(0).as<float>()) {
      values.push_back(static_cast<double>(value) * rescale);
    }
  }
  double means[2] = {};
  for (std::size_t i = 0; i < values.size(); ++i) means[i % 2] += values[i] * 2 / (images * 12.0);
  std::vector<double> covariance(n * n);
  for (std::size_t at = 0; at < values.size(); at += n) {
    double white[n] = {};
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        white[i] += static_cast<double>(w[i * n + j]) * (values[at + j] - means[j % 2]);
      }
    }
    for (std::size_t i = 0; i < n * n; ++i) covariance[i] += white[i / n] * white[i % n] / images;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      EXPECT_NEAR(covariance[i * n + j], i == j ? 1 : 0, 1e-3) << i << ", " << j;
      EXPECT_FLOAT_EQ(w[i * n + j], w[j * n + i]);
    }
  }
}

TEST(Whitening, OfFewerImagesThanValuesHasNoWildComponents) {
  Loader loader = one_epoch(4);
  for (const float value : fit_whitening(loader, 1, 1e-6)) EXPECT_LT(std::abs(value), 10);
}

}  // namespace
}  // namespace headrace
