#include "headrace/augment/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "headrace/augment/axis.h"
#include "headrace/augment/half.h"
#include "headrace/pipeline/rng.h"
#include "pictures.h"

namespace headrace {
namespace {

using testing::make_plan;
using testing::mirror_horizontally;
using testing::mirror_vertically;
using testing::Noise;
using testing::render_f32;
using testing::render_u8;
using testing::view_of;
using testing::whole;

constexpr std::array all_filters = {Filter::nearest, Filter::linear, Filter::triangle, Filter::box};
constexpr std::array all_fills = {FillMode::constant, FillMode::nearest, FillMode::reflect,
                                  FillMode::wrap};

struct RandomCase {
  Noise image;
  SamplePlan plan;
};

// Sizes of 1..largest, all channels, filters and fills, shifts near and far, flips.
RandomCase random_case(std::uint64_t seed, int largest) {
  Rng rng(seed, 1);
  const auto size = [&] { return static_cast<int>(rng.below(static_cast<unsigned>(largest))) + 1; };
  constexpr std::array<int, 5> channels = {1, 3, 4, 2, 13};
  const ImageShape source{size(), size(), channels[rng.below(channels.size())]};
  // Half of the axes are not resized: they take another way through the code.
  const ImageSize output{rng.chance(0.5) ? source.height : size(),
                         rng.chance(0.5) ? source.width : size()};
  const double reach = rng.chance(0.8) ? 5 : 400;
  const auto shift = [&](bool whole_pixels) {
    const double distance = rng.chance(0.3) ? 0 : rng.uniform(-reach, reach);
    return whole_pixels ? std::round(distance) : distance;
  };
  const bool whole_pixels = rng.chance(0.3);
  SamplePlan plan = make_plan(source.size(), output, all_filters[rng.below(4)],
                              all_fills[rng.below(4)], shift(whole_pixels), shift(whole_pixels));
  plan.fill_value = static_cast<float>(rng.below(256));
  if (rng.chance(0.5)) mirror_horizontally(plan);
  if (rng.chance(0.5)) mirror_vertically(plan);
  return {Noise(source, seed), plan};
}

TEST(Render, EverySetOfKernelsGivesTheSameBits) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const RandomCase drawn = random_case(seed, seed % 100 == 0 ? 300 : 30);
    const auto expected = render_u8(drawn.plan, drawn.image.view(), portable_kernels());
    const auto expected_f32 = render_f32(drawn.plan, drawn.image.view(), portable_kernels());
    for (const Kernels* kernels : available_kernels()) {
      ASSERT_EQ(render_u8(drawn.plan, drawn.image.view(), *kernels), expected)
          << kernels->name << ", seed " << seed;
      ASSERT_EQ(render_f32(drawn.plan, drawn.image.view(), *kernels), expected_f32)
          << kernels->name << ", seed " << seed;
    }
  }
}

TEST(Render, LevelsAreTheRoundedValuesOfTheSameImageAsFloats) {
  for (std::uint64_t seed = 0; seed < 700; ++seed) {
    const RandomCase drawn = random_case(seed, 40);
    const std::vector<float> values = drawn.image.values();
    const auto levels = render_u8(drawn.plan, drawn.image.view());
    const auto exact = render_f32(drawn.plan, view_of(values, drawn.image.shape));
    for (std::size_t e = 0; e < levels.size(); ++e) {
      ASSERT_NEAR(levels[e], exact[e], 0.51) << "seed " << seed << ", element " << e;
    }
  }
}

TEST(Render, APartOfTheImageThatHoldsTheRegionIsEnough) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const RandomCase drawn = random_case(seed, 40);
    const Region& region = drawn.plan.region;
    const ImageView all = drawn.image.view();
    const int channels = all.shape.channels;
    // Cut out exactly, so that the address sanitizer sees any read outside it.
    std::vector<std::uint8_t> cut;
    for (int y = region.top; y < region.top + region.height; ++y) {
      const std::uint8_t* row = all.row<std::uint8_t>(y) + region.left * channels;
      cut.insert(cut.end(), row, row + region.width * channels);
    }
    const ImageShape shape{region.height, region.width, channels};
    const ImageView part{reinterpret_cast<const std::byte*>(cut.data()), shape,
                         static_cast<std::size_t>(region.width * channels), ElementType::u8};
    const ImageSize output = drawn.plan.output;
    for (const Kernels* kernels : available_kernels()) {
      const RecipeAugmenter augmenter(
          Recipe({output.height, output.width, channels}, ElementType::u8), *kernels);
      std::vector<std::uint8_t> result(static_cast<std::size_t>(augmenter.output().elements()));
      RenderScratch scratch;
      augmenter.render(drawn.plan, part, region, reinterpret_cast<std::byte*>(result.data()),
                       scratch);
      ASSERT_EQ(result, render_u8(drawn.plan, all)) << kernels->name << ", seed " << seed;
    }
  }
}

TEST(Render, ScratchOfEarlierImagesDoesNotShow) {
  RenderScratch scratch;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const RandomCase drawn = random_case(seed, 40);
    const ImageView pixels = drawn.image.view();
    const ImageSize output = drawn.plan.output;
    const RecipeAugmenter augmenter(Recipe({output.height, output.width, pixels.shape.channels}));
    std::vector<float> result(static_cast<std::size_t>(augmenter.output().elements()));
    augmenter.render(drawn.plan, pixels, whole(pixels), reinterpret_cast<std::byte*>(result.data()),
                     scratch);
    ASSERT_EQ(result, render_f32(drawn.plan, pixels)) << "seed " << seed;
    for (std::byte& byte : scratch.bytes) byte = std::byte{0xFF};
  }
}

TEST(Render, AnImageOfTheOutputsSizeStaysAsItIs) {
  for (const ImageShape shape : {ImageShape{28, 28, 1}, {32, 32, 3}, {1, 1, 4}, {7, 301, 3}}) {
    const Noise image(shape, 1);
    const std::vector<float> values = image.values();
    for (const Filter filter : all_filters) {
      for (const FillMode fill : all_fills) {
        const SamplePlan plan = make_plan(shape.size(), shape.size(), filter, fill);
        EXPECT_EQ(render_u8(plan, image.view()), image.levels);
        EXPECT_EQ(render_f32(plan, view_of(values, shape)), values);
      }
    }
  }
}

TEST(Render, MirroringTwiceChangesNothingAndOnceMirrors) {
  const Noise image({19, 37, 3}, 2);
  SamplePlan plan =
      make_plan(image.shape.size(), image.shape.size(), Filter::triangle, FillMode::nearest);
  mirror_horizontally(plan);
  const auto once = render_u8(plan, image.view());
  for (int y = 0; y < 19; ++y) {
    for (int x = 0; x < 37; ++x) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_EQ(once[static_cast<std::size_t>((y * 37 + x) * 3 + c)],
                  image.levels[static_cast<std::size_t>((y * 37 + 36 - x) * 3 + c)]);
      }
    }
  }
  mirror_horizontally(plan);
  EXPECT_EQ(render_u8(plan, image.view()), image.levels);
  mirror_vertically(plan);
  EXPECT_NE(render_u8(plan, image.view()), image.levels);
  mirror_vertically(plan);
  EXPECT_EQ(render_u8(plan, image.view()), image.levels);
}

// What each fill mode puts at index i of a row of `size`, by its picture in FillMode's comment.
int filling(FillMode fill, int i, int size, int constant, const std::vector<std::uint8_t>& row) {
  const auto at = [&](int index) { return row[static_cast<std::size_t>(index)]; };
  if (i >= 0 && i < size) return at(i);
  if (fill == FillMode::constant) return constant;
  if (fill == FillMode::nearest) return at(i < 0 ? 0 : size - 1);
  if (fill == FillMode::wrap) return at(i < 0 ? i + size : i - size);
  return at(i < 0 ? -1 - i : 2 * size - 1 - i);
}

TEST(Render, AShiftByWholePixelsCopiesExactlyAndFills) {
  constexpr int size = 23;
  const Noise image({1, size, 1}, 3);
  for (const Filter filter : all_filters) {
    for (const FillMode fill : all_fills) {
      for (const int shift : {-size, -4, -1, 1, 7, size}) {
        SamplePlan plan = make_plan({1, size}, {1, size}, filter, fill, 0, shift);
        plan.fill_value = 99;
        const auto result = render_u8(plan, image.view());
        for (int x = 0; x < size; ++x) {
          ASSERT_EQ(result[static_cast<std::size_t>(x)],
                    filling(fill, x - shift, size, 99, image.levels))
              << "fill " << static_cast<int>(fill) << ", shift " << shift << ", x " << x;
        }
      }
    }
  }
}

TEST(Render, AFlatImageStaysFlat) {
  Noise image({41, 67, 3}, 4);
  std::fill(image.levels.begin(), image.levels.end(), std::uint8_t{255});
  Rng rng(5, 0);
  for (int i = 0; i < 300; ++i) {
    const ImageSize output{static_cast<int>(rng.below(120)) + 1,
                           static_cast<int>(rng.below(120)) + 1};
    SamplePlan plan = make_plan(image.shape.size(), output, all_filters[rng.below(4)],
                                all_fills[rng.below(4)], rng.uniform(-9, 9), rng.uniform(-9, 9));
    plan.fill_value = 255;
    EXPECT_THAT(render_u8(plan, image.view()), ::testing::Each(255));
  }
}

TEST(Render, FloatsAreNeitherRoundedNorClampedAndSpreadNoInfinity) {
  const ImageShape shape{3, 3, 1};
  std::vector<float> values = {0.25f, -7, 1e6f, 0, 1, 2, 3, std::numeric_limits<float>::infinity(),
                               5};
  SamplePlan plan = make_plan({3, 3}, {3, 3}, Filter::triangle, FillMode::nearest);
  EXPECT_EQ(render_f32(plan, view_of(values, shape)), values);
  plan = make_plan({3, 3}, {3, 3}, Filter::triangle, FillMode::nearest, 0, 0.5);
  const auto half = render_f32(plan, view_of(values, shape));
  EXPECT_FLOAT_EQ(half[0], 0.25f);
  EXPECT_FLOAT_EQ(half[1], (0.25f - 7) / 2);
  EXPECT_FLOAT_EQ(half[5], 1.5f);
  EXPECT_FLOAT_EQ(half[6], 3);
  EXPECT_TRUE(std::isinf(half[7]));
}

TEST(Render, FloatsAreRoundedAndClampedForLevels) {
  const std::vector<float> values = {-3, 0.49f, 0.5f, 254.5f, 300, std::nanf("")};
  const SamplePlan plan = make_plan({1, 6}, {1, 6}, Filter::triangle, FillMode::nearest);
  EXPECT_THAT(render_u8(plan, view_of(values, {1, 6, 1})),
              ::testing::ElementsAre(0, 0, 1, 255, 255, 0));
}

TEST(Render, NormalisationIsOneMultiplicationAndOneAddition) {
  const Noise image({9, 11, 3}, 6);
  Recipe recipe(image.shape);
  recipe.set("rescale", 1 / 255.0).set("mean", "pixel");
  std::vector<float> mean(image.shape.elements());
  Rng rng(7, 0);
  for (float& value : mean) value = static_cast<float>(rng.uniform());
  recipe.set_mean(mean);
  const SamplePlan plan = make_plan({9, 11}, {9, 11}, Filter::triangle, FillMode::nearest);
  const float scale = static_cast<float>(1 / 255.0);
  for (const Kernels* kernels : available_kernels()) {
    std::vector<float> result(image.shape.elements());
    RenderScratch scratch;
    RecipeAugmenter(recipe, *kernels)
        .render(plan, image.view(), whole(image.view()),
                reinterpret_cast<std::byte*>(result.data()), scratch);
    for (std::size_t e = 0; e < result.size(); ++e) {
      volatile float scaled = static_cast<float>(image.levels[e]) * scale;  // not fused
      ASSERT_EQ(result[e], scaled - mean[e]) << kernels->name;
    }
  }
}

// All of what a recipe can make of an image by one plan, for pixels u8 or f32.
template <class T>
std::vector<T> render_recipe(Recipe recipe, ElementType type, const ImageView& pixels,
                             const Kernels& kernels) {
  Recipe typed(recipe.output(), type);
  for (const char* name : {"channel_mean", "channel_std", "rescale", "mean", "layout"}) {
    typed.set(name, recipe.get(name));
  }
  if (typed.needs_mean()) typed.set_mean(recipe.mean());
  const RecipeAugmenter augmenter(typed, kernels);
  std::vector<T> result(recipe.output().elements());
  RenderScratch scratch;
  const SamplePlan plan = augmenter.plan(pixels.shape.size(), Rng(0, 0));
  augmenter.render(plan, pixels, whole(pixels), reinterpret_cast<std::byte*>(result.data()),
                   scratch);
  return result;
}

Recipe normalising(ImageShape shape, bool mean_of_each_pixel) {
  Recipe recipe(shape);
  recipe.set("rescale", 1 / 255.0).set("channel_std", std::vector<double>{0.229, 0.224, 0.225});
  if (mean_of_each_pixel) {
    recipe.set("mean", "pixel");
    std::vector<float> mean(shape.elements());
    Rng rng(9, 0);
    for (float& value : mean) value = static_cast<float>(rng.uniform());
    recipe.set_mean(mean);
  } else {
    recipe.set("channel_mean", std::vector<double>{0.485, 0.456, 0.406});
  }
  return recipe;
}

TEST(Render, ValuesAreScaledAndShiftedByChannel) {
  const ImageShape shape{37, 29, 3};
  const Noise image(shape, 10);
  constexpr std::array<double, 3> mean = {0.485, 0.456, 0.406};
  constexpr std::array<double, 3> deviation = {0.229, 0.224, 0.225};
  for (const Kernels* kernels : available_kernels()) {
    const auto result =
        render_recipe<float>(normalising(shape, false), ElementType::f32, image.view(), *kernels);
    for (std::size_t e = 0; e < result.size(); ++e) {
      const auto scale = static_cast<float>(1 / 255.0 / deviation[e % 3]);
      const auto offset = static_cast<float>(-mean[e % 3] / deviation[e % 3]);
      volatile float scaled = static_cast<float>(image.levels[e]) * scale;  // not fused
      ASSERT_EQ(result[e], scaled + offset) << kernels->name;
    }
  }
}

TEST(Render, EveryTypeIsTheRoundedF32AndPlanesAreTheSameTurned) {
  for (const ImageShape shape : {ImageShape{37, 29, 3}, {224, 224, 3}}) {
    const Noise image({60, 50, 3}, 11);
    const std::vector<float> values = image.values();
    const ImageView floats = view_of(values, image.shape);
    for (const bool mean_of_each_pixel : {false, true}) {
      Recipe recipe = normalising(shape, mean_of_each_pixel);
      Recipe planes = recipe;
      planes.set("layout", "nchw");
      const std::size_t pixels = shape.elements() / 3;
      const auto place = [&](std::size_t e) { return e % 3 * pixels + e / 3; };
      for (const ImageView& view : {image.view(), floats}) {
        for (const Kernels* kernels : available_kernels()) {
          const auto f32 = render_recipe<float>(recipe, ElementType::f32, view, *kernels);
          const auto f16 = render_recipe<std::uint16_t>(recipe, ElementType::f16, view, *kernels);
          const auto bf16 = render_recipe<std::uint16_t>(recipe, ElementType::bf16, view, *kernels);
          const auto f32_planes = render_recipe<float>(planes, ElementType::f32, view, *kernels);
          const auto bf16_planes =
              render_recipe<std::uint16_t>(planes, ElementType::bf16, view, *kernels);
          for (std::size_t e = 0; e < f32.size(); ++e) {
            ASSERT_EQ(f16[e], to_f16(f32[e])) << kernels->name;
            ASSERT_EQ(bf16[e], to_bf16(f32[e])) << kernels->name;
            ASSERT_EQ(f32_planes[place(e)], f32[e]) << kernels->name;
            ASSERT_EQ(bf16_planes[place(e)], bf16[e]) << kernels->name;
          }
        }
      }
    }
  }
}

TEST(Render, LevelsAreLaidOutAsPlanesToo) {
  const Noise image({9, 21, 3}, 12);
  Recipe planes(image.shape, ElementType::u8);
  planes.set("layout", "nchw");
  EXPECT_THAT(planes.make_augmenter()->output().shape, ::testing::ElementsAre(3, 9, 21));
  for (const Kernels* kernels : available_kernels()) {
    const auto result =
        render_recipe<std::uint8_t>(planes, ElementType::u8, image.view(), *kernels);
    for (std::size_t e = 0; e < result.size(); ++e) {
      ASSERT_EQ(result[e % 3 * 189 + e / 3], image.levels[e]) << kernels->name;
    }
  }
}

// Blocks of outputs near each other take another way than those that lie far apart.
TEST(Render, EveryScaleGivesTheSameBitsOnEverySetOfKernels) {
  for (const int channels : {1, 2, 3, 4}) {
    const Noise image({5, 400, channels}, 13);
    for (int width = 1; width < 800; width += 7) {
      SamplePlan plan =
          make_plan({5, 400}, {3, width}, Filter::triangle, FillMode::nearest, 0, width % 5);
      if (width % 2 == 0) mirror_horizontally(plan);
      const auto expected = render_u8(plan, image.view(), portable_kernels());
      for (const Kernels* kernels : available_kernels()) {
        ASSERT_EQ(render_u8(plan, image.view(), *kernels), expected) << kernels->name << width;
      }
    }
  }
}

TEST(Render, AMeanPerChannelIsSubtractedFromEveryPixel) {
  const Noise image({70, 40, 3}, 8);  // more than one block of rows
  Recipe recipe(image.shape);
  recipe.set("mean", "channel");
  recipe.set_mean(std::vector<float>{10, 20, 30});
  const auto augmenter = recipe.make_augmenter();
  std::vector<float> result(image.shape.elements());
  RenderScratch scratch;
  augmenter->render(augmenter->plan({70, 40}, Rng(0, 0)), image.view(), whole(image.view()),
                    reinterpret_cast<std::byte*>(result.data()), scratch);
  for (std::size_t e = 0; e < result.size(); ++e) {
    ASSERT_EQ(result[e],
              static_cast<float>(image.levels[e]) - 10.0f * static_cast<float>(e % 3 + 1));
  }
}

// Four levels a pixel, back and forth: half a pixel aside would show.
std::vector<std::uint8_t> slopes(ImageSize size) {
  const auto wave = [](int i) { return std::abs(i % 64 - 32) * 4; };
  std::vector<std::uint8_t> levels;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      levels.push_back(static_cast<std::uint8_t>(std::min((wave(x) + wave(y + 16)) / 2 * 2, 255)));
    }
  }
  return levels;
}

// Every `factor` x `factor` pixels become one.
std::vector<std::uint8_t> reduced(const std::vector<std::uint8_t>& levels, ImageSize size,
                                  int factor) {
  std::vector<std::uint8_t> means;
  for (int y = 0; y < size.height; y += factor) {
    for (int x = 0; x < size.width; x += factor) {
      int sum = factor * factor / 2;
      for (int i = 0; i < factor * factor; ++i) {
        sum += levels[static_cast<std::size_t>((y + i / factor) * size.width + x + i % factor)];
      }
      means.push_back(static_cast<std::uint8_t>(sum / (factor * factor)));
    }
  }
  return means;
}

TEST(Render, APlanAtALowerResolutionShowsTheSamePlace) {
  const ImageSize size{160, 192};
  const auto levels = slopes(size);
  const ImageView image{reinterpret_cast<const std::byte*>(levels.data()),
                        {size.height, size.width, 1},
                        static_cast<std::size_t>(size.width),
                        ElementType::u8};
  for (const int factor : {2, 4}) {
    const auto means = reduced(levels, size, factor);
    const ImageView small{reinterpret_cast<const std::byte*>(means.data()),
                          {size.height / factor, size.width / factor, 1},
                          static_cast<std::size_t>(size.width / factor),
                          ElementType::u8};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      Rng rng(seed, 2);
      SamplePlan plan = make_plan(size, {12, 14}, rng.chance(0.5) ? Filter::triangle : Filter::box,
                                  FillMode::nearest);
      plan.source_from_output = {.xx = rng.uniform(factor, 8),
                                 .xt = rng.uniform(0, 80),
                                 .yy = rng.uniform(factor, 8),
                                 .yt = rng.uniform(0, 64)};
      if (rng.chance(0.5)) mirror_horizontally(plan);
      plan.region = region_of(plan);
      ASSERT_GE(spare_resolution(plan), factor);
      const SamplePlan scaled = at_eighths(plan, 8 / factor);
      ASSERT_TRUE(scaled.region.contains(region_of(scaled)));
      const auto expected = render_u8(plan, image);
      const auto result = render_u8(scaled, small);
      if (plan.filter == Filter::box) continue;  // which takes whole pixels, be they large or small
      double sum = 0;
      for (std::size_t e = 0; e < expected.size(); ++e) {
        sum += result[e] - expected[e];
        EXPECT_NEAR(result[e], expected[e], 6) << seed;
      }
      EXPECT_NEAR(sum / static_cast<double>(expected.size()), 0, 0.6) << seed;
    }
  }
}

}  // namespace
}  // namespace headrace
