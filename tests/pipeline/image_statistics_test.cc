#include "headrace/pipeline/image_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

// Images of 2x3 pixels, two channels, whose values follow from position and place.
template <class T>
class Ramp final : public Sequence {
 public:
  explicit Ramp(std::int64_t size, ElementType type, std::vector<std::int64_t> shape = {2, 3, 2})
      : size_(size), spec_{{{"image", type, std::move(shape)}}} {}
  std::int64_t size() const override { return size_; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      for (int i = 0; i < 12; ++i) rows.row_as<T>(0, row)[i] = value(first + row, i);
    }
  }
  static T value(std::int64_t position, int i) {
    return static_cast<T>((position * 37 + i * i * 11) % 256);
  }

 private:
  std::int64_t size_;
  BatchSpec spec_;
};

template <class T>
ImageStatistics fit(ElementType type, int threads, std::int64_t batch_size) {
  Loader loader(std::make_shared<Ramp<T>>(100, type),
                {.batch_size = batch_size, .threads = threads});
  ImageStatistics statistics = fit_statistics(loader);
  EXPECT_EQ(loader.state().position, (Position{1, 0}));
  return statistics;
}

template <class T>
void expect_right(const ImageStatistics& statistics, double tolerance) {
  EXPECT_EQ(statistics.shape, (ImageShape{2, 3, 2}));
  EXPECT_EQ(statistics.images, 100);
  ASSERT_EQ(statistics.mean.size(), 12u);
  ASSERT_EQ(statistics.channel_mean.size(), 2u);
  for (int i = 0; i < 12; ++i) {
    double sum = 0;
    for (int p = 0; p < 100; ++p) sum += Ramp<T>::value(p, i);
    EXPECT_NEAR(statistics.mean[static_cast<std::size_t>(i)], sum / 100, tolerance);
  }
  for (int c = 0; c < 2; ++c) {
    double sum = 0, squares = 0;
    for (int p = 0; p < 100; ++p) {
      for (int i = c; i < 12; i += 2) sum += Ramp<T>::value(p, i);
    }
    for (int p = 0; p < 100; ++p) {
      for (int i = c; i < 12; i += 2) {
        squares += (Ramp<T>::value(p, i) - sum / 600) * (Ramp<T>::value(p, i) - sum / 600);
      }
    }
    EXPECT_NEAR(statistics.channel_mean[static_cast<std::size_t>(c)], sum / 600, tolerance);
    EXPECT_NEAR(statistics.channel_std[static_cast<std::size_t>(c)], std::sqrt(squares / 600),
                tolerance);
  }
}

TEST(ImageStatistics, OfBytesAreExactAtAnyThreadCountAndBatchSize) {
  const ImageStatistics one = fit<std::uint8_t>(ElementType::u8, 1, 100);
  expect_right<std::uint8_t>(one, 1e-11);
  for (const int threads : {2, 4}) {
    const ImageStatistics other = fit<std::uint8_t>(ElementType::u8, threads, 7);
    EXPECT_EQ(one.mean, other.mean);
    EXPECT_EQ(one.channel_mean, other.channel_mean);
    EXPECT_EQ(one.channel_std, other.channel_std);
  }
}

TEST(ImageStatistics, OfFloatsAreRightAndRepeatable) {
  const ImageStatistics one = fit<float>(ElementType::f32, 1, 100);
  expect_right<float>(one, 1e-9);
  EXPECT_EQ(one.channel_std, fit<float>(ElementType::f32, 4, 7).channel_std);
}

TEST(ImageStatistics, RefusesWhatAreNoImages) {
  const auto refused = [](ElementType type, std::vector<std::int64_t> shape) {
    Loader loader(std::make_shared<Ramp<double>>(1, type, std::move(shape)), {.threads = 1});
    EXPECT_THROW(fit_statistics(loader), Error);
  };
  refused(ElementType::f64, {2, 3, 2});
  refused(ElementType::f64, {12});
}

TEST(ImageStatistics, NeedAnImage) {
  Loader loader(std::make_shared<Ramp<std::uint8_t>>(5, ElementType::u8),
                {.threads = 1, .start = {0, 5}});
  EXPECT_THROW(fit_statistics(loader), Error);
}

}  // namespace
}  // namespace headrace
