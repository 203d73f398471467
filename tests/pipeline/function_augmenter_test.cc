#include "headrace/pipeline/function_augmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "fake_images.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

// The first pixels of an image, as f32.
class Corner final : public Augmenter {
 public:
  const FieldSpec& output() const override { return output_; }
  int channels() const override { return 1; }
  bool is_random() const override { return false; }
  SamplePlan plan(ImageSize source, const Rng&) const override {
    SamplePlan plan;
    plan.source = source;
    plan.output = {1, 3};
    plan.region = {0, 0, 1, 3};
    return plan;
  }
  void render(const SamplePlan& plan, const ImageView& pixels, const Region&,
              std::byte* destination, RenderScratch&) const override {
    EXPECT_TRUE(plan.operations().empty());
    for (int x = 0; x < 3; ++x) {
      reinterpret_cast<float*>(destination)[x] = pixels.row<std::uint8_t>(0)[x];
    }
  }
  std::uint64_t fingerprint() const override { return 3; }

 private:
  FieldSpec output_{"image", ElementType::f32, {1, 3, 1}};
};

std::vector<float> epoch_of(const std::shared_ptr<const Augmenter>& recipe, std::uint64_t epoch,
                            int threads) {
  const auto data = std::make_shared<fake::PixelDataset>(40);
  const auto images = std::make_shared<ImageSequence>(
      data, nullptr, recipe, ImageSequenceOptions{.seed = 4, .shuffle = Shuffle::none});
  Loader loader(images,
                {.batch_size = 7, .threads = threads, .start = {epoch, 0}, .epochs = epoch + 1});
  std::vector<float> all;
  while (const auto batch = loader.next()) {
    const auto pixels = batch->field("picture").as<float>();
    all.insert(all.end(), pixels.begin(), pixels.end());
  }
  return all;
}

TEST(ImageFunction, IsAppliedToTheFinishedImage) {
  const auto twice = with_function(std::make_shared<Corner>(),
                                   {.name = "twice", .apply = [](auto image, auto draws) {
                                      EXPECT_TRUE(draws.empty());
                                      for (float& value : image) value *= 2;
                                    }});
  const std::vector<float> plain = epoch_of(std::make_shared<Corner>(), 0, 2);
  const std::vector<float> doubled = epoch_of(twice, 0, 2);
  ASSERT_EQ(doubled.size(), 120u);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(doubled[i], 2 * plain[i]);
  EXPECT_FALSE(twice->is_random());
}

TEST(ImageFunction, HasDrawsOfItsOwnForEachSampleAndEpoch) {
  const auto drawn =
      with_function(std::make_shared<Corner>(),
                    {.name = "drawn", .draws = 2, .apply = [](auto image, auto draws) {
                       image[0] = draws[0];
                       image[1] = draws[1];
                       image[2] = static_cast<float>(draws.size());
                     }});
  EXPECT_TRUE(drawn->is_random());
  const std::vector<float> first = epoch_of(drawn, 0, 1);
  EXPECT_EQ(first, epoch_of(drawn, 0, 3));
  EXPECT_NE(first, epoch_of(drawn, 1, 1));
  EXPECT_NE(first[0], first[1]);
  EXPECT_NE(first[0], first[3]);
  EXPECT_EQ(first[2], 2);
  for (std::size_t i = 0; i < first.size(); i += 3) {
    EXPECT_GE(first[i], 0);
    EXPECT_LT(first[i], 1);
  }
}

TEST(ImageFunction, IsPartOfTheFingerprint) {
  const auto recipe = std::make_shared<Corner>();
  const auto nothing = [](std::span<float>, std::span<const float>) {};
  const auto one = with_function(recipe, {.name = "one", .apply = nothing});
  EXPECT_NE(one->fingerprint(), recipe->fingerprint());
  EXPECT_NE(one->fingerprint(),
            with_function(recipe, {.name = "two", .apply = nothing})->fingerprint());
  EXPECT_EQ(one->fingerprint(),
            with_function(recipe, {.name = "one", .apply = nothing})->fingerprint());
}

TEST(ImageFunction, RefusesWhatCannotBeApplied) {
  const auto nothing = [](std::span<float>, std::span<const float>) {};
  const auto refusal = [](std::shared_ptr<const Augmenter> recipe,
                          ImageFunction function) -> std::string {
    try {
      with_function(std::move(recipe), std::move(function));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  const auto recipe = std::make_shared<Corner>();
  EXPECT_THAT(refusal(nullptr, {.name = "f", .apply = nothing}), HasSubstr("needs a recipe"));
  EXPECT_THAT(refusal(recipe, {.apply = nothing}), HasSubstr("needs a name"));
  EXPECT_THAT(refusal(recipe, {.name = "f"}), HasSubstr("nothing to call"));
  EXPECT_THAT(refusal(recipe, {.name = "f", .draws = 9, .apply = nothing}), HasSubstr("0 to 8"));
  EXPECT_THAT(refusal(std::make_shared<fake::RandomCrop>(1), {.name = "f", .apply = nothing}),
              HasSubstr("the recipe gives u8"));
  const auto function = with_function(recipe, {.name = "f", .apply = nothing});
  RenderScratch scratch;
  float row[3];
  EXPECT_THROW(function->render({}, {}, {}, reinterpret_cast<std::byte*>(row), scratch), Error);
}

}  // namespace
}  // namespace headrace
