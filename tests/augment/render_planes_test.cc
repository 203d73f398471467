#include "headrace/augment/render_planes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "headrace/augment/axis.h"
#include "headrace/augment/device_augmenter.h"
#include "headrace/augment/operation.h"
#include "headrace/augment/recipe_augmenter.h"
#include "headrace/pipeline/device_stage.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"
#include "pictures.h"

namespace headrace {
namespace {

using testing::make_plan;
using testing::mirror_horizontally;
using testing::mirror_vertically;

std::uint8_t level(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

void to_rgb(const std::uint8_t* y, const std::uint8_t* cb, const std::uint8_t* cr,
            std::size_t count, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < count; ++i, rgb += 3) {
    const double blue = cb[i] - 128.0;
    const double red = cr[i] - 128.0;
    rgb[0] = level(y[i] + 1.402 * red);
    rgb[1] = level(y[i] - 0.344136 * blue - 0.714136 * red);
    rgb[2] = level(y[i] + 1.772 * blue);
  }
}

// A picture of slow waves, as planes, and as RGB at full resolution.
struct Picture {
  ImageSize size;
  ImageSize step;
  std::vector<std::uint8_t> levels[3];
  std::vector<std::uint8_t> rgb;

  Picture(ImageSize picture_size, ImageSize chroma_step) : size(picture_size), step(chroma_step) {
    for (int c = 0; c < 3; ++c) {
      const ImageSize plane = plane_size(c);
      const ImageSize covers = c == 0 ? ImageSize{1, 1} : step;
      for (int y = 0; y < plane.height; ++y) {
        for (int x = 0; x < plane.width; ++x) {
          levels[c].push_back(level(at(c, (y + 0.5) * covers.height, (x + 0.5) * covers.width)));
        }
      }
    }
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        std::uint8_t plane[3];
        for (int c = 0; c < 3; ++c) plane[c] = level(at(c, y + 0.5, x + 0.5));
        std::uint8_t pixel[3];
        to_rgb(&plane[0], &plane[1], &plane[2], 1, pixel);
        rgb.insert(rgb.end(), pixel, pixel + 3);
      }
    }
  }

  static double at(int c, double y, double x) {
    if (c == 0) return 128 + 40 * std::sin(0.11 * x + 0.2) * std::cos(0.13 * y);
    return 128 + 30 * std::sin(0.05 * x + c) * std::cos(0.06 * y - c);
  }
  ImageSize plane_size(int c) const {
    if (c == 0) return size;
    return {(size.height + step.height - 1) / step.height,
            (size.width + step.width - 1) / step.width};
  }
  ColourPlanes planes() const {
    ColourPlanes result;
    for (int c = 0; c < 3; ++c) {
      const ImageSize plane = plane_size(c);
      const auto i = static_cast<std::size_t>(c);
      result.planes[i] = {{reinterpret_cast<const std::byte*>(levels[c].data()),
                           {plane.height, plane.width, 1},
                           static_cast<std::size_t>(plane.width),
                           ElementType::u8},
                          {0, 0, plane.height, plane.width},
                          plane,
                          c == 0 ? ImageSize{1, 1} : step};
    }
    result.to_rgb = to_rgb;
    return result;
  }
  ImageView view() const {
    return {reinterpret_cast<const std::byte*>(rgb.data()),
            {size.height, size.width, 3},
            static_cast<std::size_t>(size.width) * 3,
            ElementType::u8};
  }
};

// What a decoder gives of a plane for a region of the image: what covers it, and two more on each
// side where there are fewer samples.
Region covering(const Region& region, const ColourPlanes::Plane& plane) {
  const auto span = [](int first, int count, int step, int whole) {
    const int margin = step == 1 ? 0 : 2;
    const int low = std::max(0, first / step - margin);
    return std::pair(low, std::min(whole - 1, (first + count - 1) / step + margin) - low + 1);
  };
  const auto [top, height] = span(region.top, region.height, plane.step.height, plane.whole.height);
  const auto [left, width] = span(region.left, region.width, plane.step.width, plane.whole.width);
  return {top, left, height, width};
}

ColourPlanes cropped(const ColourPlanes& planes, const Region& region) {
  ColourPlanes result = planes;
  for (ColourPlanes::Plane& plane : result.planes) {
    plane.region = covering(region, plane);
    plane.pixels.data += static_cast<std::size_t>(plane.region.top) * plane.pixels.row_bytes +
                         static_cast<std::size_t>(plane.region.left);
    plane.pixels.shape = {plane.region.height, plane.region.width, 1};
  }
  return result;
}

// Crops, flips, all scales, shifts beyond the border.
SamplePlan random_plan(ImageSize source, Rng& rng) {
  const auto side = [&rng] { return 1 + static_cast<int>(rng.below(60)); };
  constexpr FillMode fills[] = {FillMode::constant, FillMode::nearest, FillMode::reflect};
  SamplePlan plan =
      make_plan(source, {side(), side()}, rng.chance(0.7) ? Filter::triangle : Filter::linear,
                fills[rng.below(3)], rng.uniform(-9, 9), rng.uniform(-9, 9));
  const double zoom = rng.uniform(0.2, 1.2);
  plan.source_from_output.xx *= zoom;
  plan.source_from_output.yy *= rng.chance(0.5) ? zoom : rng.uniform(0.2, 1.2);
  plan.fill_value = static_cast<float>(rng.below(256));
  if (rng.chance(0.5)) mirror_horizontally(plan);
  if (rng.chance(0.5)) mirror_vertically(plan);
  plan.region = region_of(plan);
  return plan;
}

std::vector<std::uint8_t> render(const SamplePlan& plan, const ColourPlanes& planes,
                                 const Kernels& kernels = best_kernels()) {
  const ImageSize size = plan.output;
  const Finish finish({size.height, size.width, 3}, ElementType::u8, Layout::nhwc, {});
  std::vector<std::uint8_t> result(finish.shape().elements());
  RenderScratch scratch;
  render_planes(plan, planes, finish, reinterpret_cast<std::byte*>(result.data()), scratch,
                kernels);
  return result;
}

class RenderPlanes : public ::testing::TestWithParam<std::pair<int, int>> {
 protected:
  ImageSize step() const { return {GetParam().second, GetParam().first}; }
};

TEST_P(RenderPlanes, DifferLittleFromPixelsWhereNothingClips) {
  Rng rng(3, 0);
  const Picture picture({96, 130}, step());
  for (int i = 0; i < 300; ++i) {
    const SamplePlan plan = random_plan(picture.size, rng);
    const auto actual = render(plan, picture.planes());
    const auto expected = testing::render_u8(plan, picture.view());
    for (std::size_t e = 0; e < expected.size(); ++e) {
      // What is filled with begins at once in one plane and half a sample aside in another.
      const double allowed = plan.fill_mode == FillMode::constant ? 80 : 6;
      ASSERT_NEAR(actual[e], expected[e], allowed) << "case " << i << ", element " << e;
    }
  }
}

TEST_P(RenderPlanes, ReadNoMoreThanADecoderGives) {
  Rng rng(5, 0);
  for (int i = 0; i < 800; ++i) {
    const Picture picture(
        {1 + static_cast<int>(rng.below(50)), 1 + static_cast<int>(rng.below(50))}, step());
    const SamplePlan plan = random_plan(picture.size, rng);
    const ColourPlanes whole = picture.planes();
    ASSERT_EQ(render(plan, cropped(whole, plan.region)), render(plan, whole)) << i;
  }
}

TEST_P(RenderPlanes, EverySetOfKernelsGivesTheSameBits) {
  Rng rng(7, 0);
  const Picture picture({61, 90}, step());
  for (int i = 0; i < 200; ++i) {
    const SamplePlan plan = random_plan(picture.size, rng);
    const auto expected = render(plan, picture.planes(), portable_kernels());
    for (const Kernels* const kernels : available_kernels()) {
      ASSERT_EQ(render(plan, picture.planes(), *kernels), expected) << kernels->name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Subsamplings, RenderPlanes,
                         ::testing::Values(std::pair(1, 1), std::pair(2, 1), std::pair(1, 2),
                                           std::pair(2, 2)),
                         [](const auto& test) {
                           return std::to_string(test.param.first) + "x" +
                                  std::to_string(test.param.second);
                         });

TEST(RenderPlanes, FillWithTheConstantsGrey) {
  const Picture picture({20, 20}, {2, 2});
  SamplePlan plan = make_plan(picture.size, {20, 20}, Filter::linear, FillMode::constant, 30, 0);
  plan.fill_value = 77;
  plan.region = region_of(plan);
  EXPECT_EQ(render(plan, picture.planes()), std::vector<std::uint8_t>(1200, 77));
}

TEST(RenderPlanes, AreNotForPlansThatTurnNorForOtherFiltersAndFills) {
  const auto can = [](Filter filter, FillMode fill) {
    return can_render_planes(make_plan({20, 20}, {10, 10}, filter, fill));
  };
  EXPECT_TRUE(can(Filter::triangle, FillMode::nearest));
  EXPECT_TRUE(can(Filter::linear, FillMode::reflect));
  EXPECT_FALSE(can(Filter::nearest, FillMode::nearest));
  EXPECT_FALSE(can(Filter::box, FillMode::nearest));
  EXPECT_FALSE(can(Filter::cubic, FillMode::nearest));
  EXPECT_FALSE(can(Filter::triangle, FillMode::wrap));
  EXPECT_FALSE(can(Filter::triangle, FillMode::mirror));
  SamplePlan turned = make_plan({20, 20}, {10, 10}, Filter::triangle, FillMode::nearest);
  turned.source_from_output.xy = 0.1;
  EXPECT_FALSE(can_render_planes(turned));
}

TEST(RenderPlanes, RefuseRegionsThatDoNotSuffice) {
  const Picture picture({20, 20}, {2, 2});
  SamplePlan plan = make_plan(picture.size, {10, 10}, Filter::triangle, FillMode::nearest);
  plan.region = region_of(plan);
  EXPECT_THROW(render(plan, cropped(picture.planes(), {0, 0, 10, 10})), Error);
}

TEST(RenderPlanes, RefuseColoursThatAreNotAlike) {
  const Picture picture({20, 20}, {2, 2});
  SamplePlan plan = make_plan(picture.size, {10, 10}, Filter::triangle, FillMode::nearest);
  plan.region = region_of(plan);
  ColourPlanes planes = picture.planes();
  planes.planes[2].step = {1, 2};
  EXPECT_THROW(render(plan, planes), Error);
}

// Of the three ways through a recipe: row by row, painted as a whole, standardised as a whole.
TEST(RenderPlanes, RecipesFinishThemAsTheyFinishPixels) {
  const Picture picture({64, 80}, {2, 2});
  for (const char* const what : {"", "brightness", "channel_shift", "samplewise_center"}) {
    Recipe recipe({24, 32, 3}, ElementType::f32);
    recipe.set("horizontal_flip", true);
    const std::string name = what;
    if (name == "brightness") recipe.set(name, std::vector<double>{0.5, 1.5});
    if (name == "samplewise_center") recipe.set(name, true);
    if (name == "channel_shift") recipe.set(name, 20.0);
    const auto augmenter = recipe.make_augmenter();
    RenderScratch scratch;
    const auto count = static_cast<std::size_t>(augmenter->output().elements());
    for (std::uint64_t i = 0; i < 8; ++i) {
      const SamplePlan plan = augmenter->plan(picture.size, Rng(1, 0).for_sample(i));
      ASSERT_TRUE(augmenter->takes_planes(plan));
      std::vector<float> expected(count);
      std::vector<float> actual(count);
      augmenter->render(plan, picture.view(), testing::whole(picture.view()),
                        reinterpret_cast<std::byte*>(expected.data()), scratch);
      augmenter->render_planes(plan, picture.planes(), reinterpret_cast<std::byte*>(actual.data()),
                               scratch);
      for (std::size_t e = 0; e < count; ++e) {
        ASSERT_NEAR(actual[e], expected[e], 12) << what << ", element " << e;
      }
    }
  }
}

TEST(RenderPlanes, RecipesOfOneChannelDoNotTakeThem) {
  const auto augmenter = Recipe({10, 10, 1}, ElementType::u8).make_augmenter();
  EXPECT_FALSE(augmenter->takes_planes(augmenter->plan({20, 20}, Rng(1, 0))));
}

TEST(RenderPlanes, WhatAGpuFinishesIsTheSame) {
  const Picture picture({64, 80}, {2, 2});
  Recipe recipe({24, 32, 3}, ElementType::f32);
  const DatasetField files{"image", FieldKind::encoded_image, ElementType::u8, {}};
  const auto on_device = make_device_augmenter(recipe, files);
  ASSERT_NE(on_device->device_stage(), nullptr);
  const auto levels = recipe.without_normalisation().make_augmenter();
  const SamplePlan plan = on_device->plan(picture.size, Rng(1, 0));
  ASSERT_TRUE(on_device->takes_planes(plan));
  std::vector<std::byte> row(on_device->output().row_bytes());
  std::vector<std::byte> expected(levels->output().row_bytes());
  RenderScratch scratch;
  on_device->render_planes(plan, picture.planes(), row.data(), scratch);
  levels->render_planes(plan, picture.planes(), expected.data(), scratch);
  EXPECT_TRUE(std::search(row.begin(), row.end(), expected.begin(), expected.end()) != row.end());
}

}  // namespace
}  // namespace headrace
