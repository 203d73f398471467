#include "headrace/augment/mix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

#include "../support/error_matcher.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

constexpr std::int64_t samples = 30;
constexpr std::int64_t classes = 5;

// Images of 4x6x2 that hold nothing but the number of their position; labels follow in turn.
class Numbered final : public Sequence {
 public:
  std::int64_t size() const override { return samples; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t r = 0; r < rows.count(); ++r) {
      std::fill_n(rows.row_as<float>(0, r), 48, static_cast<float>(first + r));
      *rows.row_as<std::int32_t>(1, r) = static_cast<std::int32_t>((first + r) % classes);
      *rows.row_as<float>(2, r) = static_cast<float>(-first - r);
    }
  }

 private:
  BatchSpec spec_{{{"image", ElementType::f32, {4, 6, 2}},
                   {"label", ElementType::i32, {}},
                   {"weight", ElementType::f32, {}}}};
};

std::shared_ptr<const Sequence> mixed(MixOptions options) {
  options.classes = classes;
  options.seed = 7;
  return make_mixed(std::make_shared<Numbered>(), options);
}

std::vector<float> values(const Sequence& sequence, std::int64_t batch_size, const char* field,
                          std::uint64_t epoch = 0) {
  std::vector<float> all;
  for (std::int64_t b = 0; b * batch_size < samples; ++b) {
    const Batch batch = make_batch(sequence, epoch, b, batch_size);
    const auto part = batch.field(field).as<float>();
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST(Mix, IsTheSameInBatchesOfAnySize) {
  const auto sequence = mixed({.mixup = 0.4, .cutmix = 1});
  for (const char* field : {"image", "label", "weight"}) {
    const std::vector<float> expected = values(*sequence, samples, field);
    for (const std::int64_t batch_size : {1, 3, 7, 16}) {
      EXPECT_EQ(values(*sequence, batch_size, field), expected) << field << batch_size;
    }
  }
  EXPECT_NE(values(*sequence, 5, "image", 0), values(*sequence, 5, "image", 1));
}

TEST(Mix, MixupBlendsImagesAndLabelsByTheSameShare) {
  const auto sequence = mixed({.mixup = 1});
  const std::vector<float> images = values(*sequence, samples, "image");
  const std::vector<float> labels = values(*sequence, samples, "label");
  const std::vector<float> weights = values(*sequence, samples, "weight");
  std::set<float> shares;
  for (std::int64_t p = 0; p < samples; ++p) {
    const float* image = images.data() + p * 48;
    const float* label = labels.data() + p * classes;
    EXPECT_NEAR(std::accumulate(label, label + classes, 0.0f), 1, 1e-6f);
    EXPECT_EQ(weights[static_cast<std::size_t>(p)], static_cast<float>(-p));
    const float own = label[p % classes];
    // What the rest of the image is follows from its partner's number, in the same group of 8.
    bool explained = false;
    for (std::int64_t q = p / 8 * 8; q < std::min(p / 8 * 8 + 8, samples); ++q) {
      if (q % classes == p % classes) continue;
      const float blended = static_cast<float>(p) * own + static_cast<float>(q) * (1 - own);
      explained =
          explained || (label[q % classes] == 1 - own && std::abs(image[0] - blended) < 1e-4f);
    }
    EXPECT_TRUE(explained || own == 1) << p;
    shares.insert(own);
  }
  EXPECT_GT(shares.size(), 10u);
}

TEST(Mix, CutmixLabelsByTheAreaThatIsCovered) {
  const auto sequence = mixed({.cutmix = 1});
  const std::vector<float> images = values(*sequence, samples, "image");
  const std::vector<float> labels = values(*sequence, samples, "label");
  int cut = 0;
  for (std::int64_t p = 0; p < samples; ++p) {
    const float* image = images.data() + p * 48;
    const auto own = std::count(image, image + 48, static_cast<float>(p));
    std::set<float> numbers(image, image + 48);
    ASSERT_LE(numbers.size(), 2u);
    numbers.erase(static_cast<float>(p));
    if (numbers.empty()) continue;
    ++cut;
    const auto partner = static_cast<std::int64_t>(*numbers.begin());
    const float share = static_cast<float>(own) / 48;
    if (partner % classes == p % classes) continue;
    EXPECT_NEAR(labels[static_cast<std::size_t>(p * classes + p % classes)], share, 1e-6f);
    EXPECT_NEAR(labels[static_cast<std::size_t>(p * classes + partner % classes)], 1 - share,
                1e-6f);
  }
  EXPECT_GT(cut, samples / 3);
}

TEST(Mix, WithoutChanceOnlySmoothsLabels) {
  const auto sequence = mixed({.mixup = 1, .probability = 0, .label_smoothing = 0.1});
  const std::vector<float> labels = values(*sequence, samples, "label");
  EXPECT_NEAR(labels[0], 0.92f, 1e-6f);
  EXPECT_NEAR(labels[1], 0.02f, 1e-6f);
  EXPECT_EQ(values(*sequence, 4, "image")[48 * 3], 3);
}

// Images with masks and second images of the same numbers, and one field more.
class WithTargets final : public Sequence {
 public:
  explicit WithTargets(FieldSpec more = {"id", ElementType::f32, {2, 3}}) {
    spec_.fields.push_back(std::move(more));
  }
  std::int64_t size() const override { return samples; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t, std::int64_t first, const Rows& rows) const override {
    for (std::int64_t r = 0; r < rows.count(); ++r) {
      std::fill_n(rows.row_as<float>(0, r), 48, static_cast<float>(first + r));
      std::fill_n(rows.row_as<std::uint8_t>(1, r), 24, static_cast<std::uint8_t>(first + r));
      std::fill_n(rows.row_as<float>(2, r), 48, static_cast<float>(first + r));
      std::memset(rows.row(3, r), 0, spec_.fields[3].row_bytes());
    }
  }

 private:
  BatchSpec spec_{{{"image", ElementType::f32, {4, 6, 2}},
                   {"mask", ElementType::u8, {4, 6}},
                   {"image2", ElementType::f32, {4, 6, 2}}}};
};

TEST(Mix, CutmixCutsMasksAndSecondImagesAsTheImage) {
  const auto sequence = make_mixed(std::make_shared<WithTargets>(), {.cutmix = 1, .seed = 7});
  const Batch batch = make_batch(*sequence, 0, 0, samples);
  const auto images = batch.field("image").as<float>();
  const auto seconds = batch.field("image2").as<float>();
  const auto masks = batch.field("mask").as<std::uint8_t>();
  EXPECT_TRUE(std::equal(images.begin(), images.end(), seconds.begin(), seconds.end()));
  int cut = 0;
  for (std::size_t i = 0; i < masks.size(); ++i) {
    ASSERT_EQ(static_cast<float>(masks[i]), images[2 * i]) << i;
    cut += masks[i] != i / 24;
  }
  EXPECT_GT(cut, 24);
}

TEST(Mix, TargetsWithoutAMeaningInTwoImagesAreRefused) {
  const auto mix = [](FieldSpec more, MixOptions options) {
    make_mixed(std::make_shared<WithTargets>(std::move(more)), options);
  };
  EXPECT_THAT(
      [&] {
        mix({"id", ElementType::f32, {1}}, {.mixup = 1});
      },
      throws_error(ErrorCode::invalid_argument, ::testing::HasSubstr("\"mask\" holds classes")));
  for (const char* name : {"boxes", "points"}) {
    EXPECT_THAT(
        [&] {
          mix({name, ElementType::f32, {2, 6}}, {.cutmix = 1});
        },
        throws_error(ErrorCode::invalid_argument,
                     ::testing::HasSubstr("leave it out of the data set")))
        << name;
  }
  EXPECT_THAT(
      [&] {
        mix({"image2", ElementType::f32, {4, 4, 2}}, {.cutmix = 1});
      },
      throws_error(ErrorCode::invalid_argument,
                   ::testing::HasSubstr("of the same type and shape")));
}

TEST(Mix, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_THAT([] { mixed({}); },
              throws_error(ErrorCode::invalid_argument, ::testing::HasSubstr("alpha above 0")));
  EXPECT_THAT([] { mixed({.mixup = 1, .probability = 2}); },
              throws_error(ErrorCode::invalid_argument, ::testing::HasSubstr("from 0 to 1")));
  EXPECT_THAT([] { make_mixed(std::make_shared<Numbered>(), {.mixup = 1}); },
              throws_error(ErrorCode::invalid_argument, ::testing::HasSubstr("classes")));
}

}  // namespace
}  // namespace headrace
