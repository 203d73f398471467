#include "headrace/augment/affine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "headrace/augment/angle.h"
#include "headrace/augment/axis.h"
#include "headrace/augment/operation.h"
#include "headrace/pipeline/rng.h"
#include "pictures.h"

namespace headrace {
namespace {

using testing::make_plan;
using testing::Noise;
using testing::render_f32;
using testing::render_u8;

constexpr FillMode fill_modes[] = {FillMode::constant,  FillMode::nearest, FillMode::reflect,
                                   FillMode::wrap,      FillMode::mirror,  FillMode::scipy_constant,
                                   FillMode::scipy_wrap};

SamplePlan turned_plan(ImageSize source, ImageSize output, double degrees, Filter filter,
                       FillMode fill, double zoom = 1) {
  SamplePlan plan = make_plan(source, output, filter, fill);
  Geometry geometry(source, output);
  const double c = cosine(degrees) * zoom;
  const double s = sine(degrees) * zoom;
  geometry.turn(c, -s, s, c);
  plan.source_from_output = geometry.source_from_output;
  plan.fill_value = 60;
  plan.region = region_of(plan);
  return plan;
}

TEST(Affine, AQuarterTurnMovesWholePixels) {
  const Noise noise({12, 12, 3}, 1);
  const std::vector<std::uint8_t> turned = render_u8(
      turned_plan({12, 12}, {12, 12}, 90, Filter::linear, FillMode::nearest), noise.view());
  for (std::size_t y = 0; y < 12; ++y) {
    for (std::size_t x = 0; x < 12; ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        // Counter-clockwise: what was at the right comes to the top.
        ASSERT_EQ(turned[(y * 12 + x) * 3 + c], noise.levels[(x * 12 + 11 - y) * 3 + c]);
      }
    }
  }
}

TEST(Affine, EveryKernelGivesTheSameLevels) {
  Rng rng(3, 0);
  for (const FillMode fill : fill_modes) {
    for (const Filter filter : {Filter::nearest, Filter::linear, Filter::cubic}) {
      for (const int channels : {1, 3, 4}) {
        const ImageShape shape = {static_cast<int>(1 + rng.below(40)),
                                  static_cast<int>(1 + rng.below(40)), channels};
        const Noise noise(shape, rng.next_u64());
        const SamplePlan plan = turned_plan(shape.size(), {19, 37}, rng.uniform(-180, 180), filter,
                                            fill, rng.uniform(0.3, 1.6));
        const std::vector<std::uint8_t> expected =
            render_u8(plan, noise.view(), portable_kernels());
        for (const Kernels* kernels : available_kernels()) {
          ASSERT_EQ(render_u8(plan, noise.view(), *kernels), expected)
              << kernels->name << ", " << static_cast<int>(fill);
        }
      }
    }
  }
}

// Of three channels and about as many outputs as pixels: vector code samples a copy with a border.
TEST(Affine, EveryKernelGivesTheSameLevelsBeyondEveryBorder) {
  Rng rng(8, 0);
  for (int i = 0; i < 1000; ++i) {
    const auto side = [&] { return static_cast<int>(1 + rng.below(30)); };
    const FillMode fill = fill_modes[static_cast<std::size_t>(i) % std::size(fill_modes)];
    const ImageSize source = {side(), side()};
    const Noise noise({source.height, source.width, 3}, rng.next_u64());
    SamplePlan plan = turned_plan(source, {side(), side()}, rng.uniform(-180, 180), Filter::linear,
                                  fill, rng.uniform(0.3, 1.6));
    // Up to beyond where an image that is mirrored or repeated begins again.
    plan.source_from_output.xt += rng.uniform(-40, 40);
    plan.source_from_output.yt += rng.chance(0.2) ? 0 : rng.uniform(-40, 40);
    plan.region = region_of(plan);
    const std::vector<std::uint8_t> expected = render_u8(plan, noise.view(), portable_kernels());
    for (const Kernels* kernels : available_kernels()) {
      ASSERT_EQ(render_u8(plan, noise.view(), *kernels), expected)
          << kernels->name << ", " << static_cast<int>(fill) << ", " << i;
    }
  }
}

TEST(Affine, LevelsAreValuesRoundedToOneLevel) {
  Rng rng(4, 0);
  for (const FillMode fill : fill_modes) {
    for (const Filter filter : {Filter::linear, Filter::cubic}) {
      const Noise noise({21, 30, 3}, rng.next_u64());
      const SamplePlan plan =
          turned_plan({21, 30}, {24, 24}, rng.uniform(-180, 180), filter, fill, 1.2);
      const std::vector<std::uint8_t> levels = render_u8(plan, noise.view());
      const std::vector<float> pixels = noise.values();
      const std::vector<float> values = render_f32(plan, testing::view_of(pixels, noise.shape));
      for (std::size_t e = 0; e < levels.size(); ++e) {
        const float value = std::clamp(values[e], 0.0f, 255.0f);
        // Half a level of rounding, and coordinates of 2^-15 pixels between levels 255 apart.
        ASSERT_NEAR(static_cast<float>(levels[e]), value, 0.53f)
            << static_cast<int>(fill) << " at " << e;
      }
    }
  }
}

// With a map that rows and columns could be sampled for, the arithmetic is the same.
TEST(Affine, AgreesWithTheSeparableRenderer) {
  for (const FillMode fill :
       {FillMode::nearest, FillMode::reflect, FillMode::wrap, FillMode::constant}) {
    for (const double shift : {0.0, 3.3, -7.71}) {
      const Noise noise({20, 33, 3}, 5);
      SamplePlan plan = make_plan({20, 33}, {20, 33}, Filter::linear, fill, shift, -shift / 2);
      plan.fill_value = 40;
      const std::vector<std::uint8_t> expected = render_u8(plan, noise.view());
      const Finish finish({20, 33, 3}, ElementType::u8, Layout::nhwc, {});
      std::vector<std::uint8_t> levels(expected.size());
      RenderScratch scratch;
      render_affine_levels(plan, noise.view(), testing::whole(noise.view()), finish,
                           reinterpret_cast<std::byte*>(levels.data()), scratch, best_kernels());
      for (std::size_t e = 0; e < levels.size(); ++e) {
        ASSERT_NEAR(levels[e], expected[e], fill == FillMode::nearest ? 0 : 1) << e;
      }
    }
  }
}

TEST(Affine, ReadsNothingButThePlansRegion) {
  Rng rng(6, 0);
  for (const FillMode fill : fill_modes) {
    for (const Filter filter : {Filter::nearest, Filter::linear, Filter::triangle}) {
      const ImageShape shape = {64, 80, 3};
      Noise noise(shape, 7);
      SamplePlan plan = turned_plan(shape.size(), {16, 16}, rng.uniform(-180, 180), filter, fill,
                                    filter == Filter::triangle ? 0.5 : 0.1);
      const std::vector<std::uint8_t> expected = render_u8(plan, noise.view());
      const Region part = plan.region;
      Image cut({part.height, part.width, 3});
      for (int y = 0; y < part.height; ++y) {
        const std::uint8_t* row = noise.view().row<std::uint8_t>(part.top + y) + part.left * 3;
        std::copy_n(row, part.width * 3, cut.row<std::uint8_t>(y));
      }
      std::vector<std::uint8_t> result(expected.size());
      const Finish finish({16, 16, 3}, ElementType::u8, Layout::nhwc, {});
      RenderScratch scratch;
      render_levels(plan, cut.view(), part, finish, reinterpret_cast<std::byte*>(result.data()),
                    scratch, best_kernels());
      ASSERT_EQ(result, expected) << static_cast<int>(fill) << static_cast<int>(filter);
    }
  }
}

TEST(Affine, ShrinksWithoutAliasing) {
  // Columns of black and white: grey, however the image turns, if it is a quarter as wide.
  Noise noise({200, 200, 1}, 1);
  for (std::size_t i = 0; i < noise.levels.size(); ++i) noise.levels[i] = i % 2 == 0 ? 0 : 255;
  const SamplePlan plan =
      turned_plan({200, 200}, {50, 50}, 20, Filter::triangle, FillMode::nearest, 0.5);
  for (const std::uint8_t level : render_u8(plan, noise.view())) ASSERT_NEAR(level, 127.5, 8);
}

TEST(Affine, AMapThatLeadsTooFarIsRefused) {
  SamplePlan plan = turned_plan({9, 9}, {9, 9}, 30, Filter::linear, FillMode::nearest);
  plan.source_from_output.xt = 1e10;
  EXPECT_THROW(region_of(plan), std::exception);
}

TEST(Affine, ThinImagesAndFarPlansAreRendered) {
  for (const FillMode fill : fill_modes) {
    for (const ImageSize source : {ImageSize{1, 1}, ImageSize{1, 9}, ImageSize{2, 2}}) {
      const Noise noise({source.height, source.width, 3}, 2);
      SamplePlan plan = turned_plan(source, {5, 7}, 33, Filter::linear, fill);
      plan.source_from_output.xt += 70000;
      plan.region = region_of(plan);
      const std::vector<std::uint8_t> far = render_u8(plan, noise.view());
      EXPECT_EQ(far.size(), 5u * 7u * 3u);
      if (fill == FillMode::constant || fill == FillMode::scipy_constant) {
        EXPECT_EQ(std::count(far.begin(), far.end(), 60), std::ssize(far));
      } else {
        const auto [low, high] = std::minmax_element(noise.levels.begin(), noise.levels.end());
        for (const std::uint8_t level : far) EXPECT_TRUE(level >= *low && level <= *high);
      }
    }
  }
}

TEST(Angle, IsThatOfTheCLibraryAndExactAtQuarters) {
  for (double degrees = -720; degrees <= 720; degrees += 0.37) {
    EXPECT_NEAR(sine(degrees), std::sin(degrees * M_PI / 180), 1e-14);
    EXPECT_NEAR(cosine(degrees), std::cos(degrees * M_PI / 180), 1e-14);
  }
  EXPECT_EQ(sine(90), 1);
  EXPECT_EQ(cosine(90), 0);
  EXPECT_EQ(sine(-180), 0);
  EXPECT_EQ(cosine(540), -1);
}

}  // namespace
}  // namespace headrace
