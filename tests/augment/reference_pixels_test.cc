#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "headrace/augment/axis.h"
#include "headrace/augment/kernels.h"
#include "headrace/augment/recipe.h"
#include "pictures.h"

namespace headrace {
namespace {

using testing::load_picture;
using testing::make_plan;
using testing::render_f32;
using testing::render_u8;

int largest_difference(const std::vector<std::uint8_t>& ours, Image& theirs) {
  EXPECT_EQ(ours.size(), theirs.shape().elements());
  int largest = 0;
  for (std::size_t e = 0; e < ours.size(); ++e) {
    largest = std::max(largest, std::abs(ours[e] - static_cast<int>(theirs.data()[e])));
  }
  return largest;
}

constexpr std::array<ImageSize, 6> sizes = {ImageSize{16, 24}, {5, 3},   {1, 1},
                                            {64, 80},          {29, 90}, {31, 23}};

std::string name_of(const char* picture, const char* kind, ImageSize size) {
  return std::string(picture) + "_" + kind + "_" + std::to_string(size.height) + "x" +
         std::to_string(size.width);
}

TEST(ReferencePixels, AntialiasedResizeIsPillowsBilinearWithinOneLevel) {
  for (const char* picture : {"colour", "grey"}) {
    Image source = load_picture(picture);
    for (const ImageSize size : sizes) {
      Image expected = load_picture(name_of(picture, "bilinear", size));
      for (const FillMode fill :
           {FillMode::nearest, FillMode::constant, FillMode::reflect, FillMode::wrap}) {
        const SamplePlan plan = make_plan(source.shape().size(), size, Filter::triangle, fill);
        EXPECT_LE(largest_difference(render_u8(plan, source.view()), expected), 1)
            << name_of(picture, "bilinear", size) << ", fill mode " << static_cast<int>(fill);
      }
    }
  }
}

TEST(ReferencePixels, NearestResizeIsPillowsNearest) {
  for (const char* picture : {"colour", "grey"}) {
    Image source = load_picture(picture);
    for (const ImageSize size : sizes) {
      Image expected = load_picture(name_of(picture, "nearest", size));
      const SamplePlan plan =
          make_plan(source.shape().size(), size, Filter::nearest, FillMode::constant);
      EXPECT_EQ(largest_difference(render_u8(plan, source.view()), expected), 0)
          << name_of(picture, "nearest", size);
    }
  }
}

// A resize of part of a picture. As Pillow's Image.resize(box=...), the filter reads beyond it.
SamplePlan part_plan(ImageSize source, const Region& part, ImageSize output, Filter filter) {
  SamplePlan plan = make_plan(source, output, filter, FillMode::nearest);
  AffineMap& map = plan.source_from_output;
  map.xx = static_cast<double>(part.width) / output.width;
  map.yy = static_cast<double>(part.height) / output.height;
  map.xt = part.left;
  map.yt = part.top;
  plan.region = region_of(plan);
  return plan;
}

// No pixel is further off: where these sizes put a pixel's centre on the border of a box, the
// numbers are exact in both.
TEST(ReferencePixels, PartsAreResizedAsByPillowWithinOneLevel) {
  struct Case {
    Region part;
    ImageSize output;
  };
  constexpr std::array<Case, 5> cases = {{{{3, 5, 20, 16}, {8, 8}},
                                          {{0, 0, 12, 9}, {16, 24}},
                                          {{8, 9, 16, 13}, {9, 4}},
                                          {{2, 1, 7, 3}, {20, 5}},
                                          {{0, 4, 27, 19}, {7, 11}}}};
  const std::array<std::pair<const char*, Filter>, 3> methods = {
      {{"bilinear", Filter::triangle}, {"box", Filter::box}, {"nearest", Filter::nearest}}};
  for (const char* picture : {"colour", "grey"}) {
    Image source = load_picture(picture);
    for (const auto& [method, filter] : methods) {
      for (std::size_t i = 0; i < cases.size(); ++i) {
        const std::string name = std::string(picture) + "_" + method + "_part_" + std::to_string(i);
        Image expected = load_picture(name);
        const SamplePlan plan =
            part_plan(source.shape().size(), cases[i].part, cases[i].output, filter);
        EXPECT_LE(largest_difference(render_u8(plan, source.view()), expected),
                  filter == Filter::nearest ? 0 : 1)
            << name;
      }
    }
  }
}

TEST(ReferencePixels, ABoxIsPillowsWithinOneLevel) {
  for (const char* picture : {"colour", "grey"}) {
    Image source = load_picture(picture);
    for (const ImageSize size : sizes) {
      Image expected = load_picture(name_of(picture, "box", size));
      for (const FillMode fill :
           {FillMode::nearest, FillMode::constant, FillMode::reflect, FillMode::wrap}) {
        const SamplePlan plan = make_plan(source.shape().size(), size, Filter::box, fill);
        EXPECT_LE(largest_difference(render_u8(plan, source.view()), expected), 1)
            << name_of(picture, "box", size) << ", fill mode " << static_cast<int>(fill);
      }
    }
  }
}

TEST(ReferencePixels, ShortSideAndCentreAreTorchvisionsEvaluationWithinOneLevel) {
  for (const char* picture : {"colour", "grey"}) {
    Image source = load_picture(picture);
    Recipe recipe({14, 16, source.shape().channels}, ElementType::u8);
    recipe.set("short_side", 20.0);
    const SamplePlan plan = recipe.make_augmenter()->plan(source.shape().size(), Rng(0, 0));
    Image expected = load_picture(std::string(picture) + "_evaluated");
    EXPECT_LE(largest_difference(render_u8(plan, source.view()), expected), 1) << picture;
  }
}

TEST(ReferencePixels, ShiftIsScipysOfOrderOneWithinOneLevel) {
  constexpr std::array<std::array<double, 2>, 4> shifts = {
      {{0.0, 2.25}, {-1.7, 0.6}, {3.0, -4.0}, {-20.3, 9.45}}};
  const std::array<std::pair<const char*, FillMode>, 4> modes = {{
      {"nearest", FillMode::nearest},
      {"reflect", FillMode::reflect},
      {"grid-wrap", FillMode::wrap},
      {"grid-constant", FillMode::constant},
  }};
  for (const char* picture : {"colour", "grey"}) {
    Image source = load_picture(picture);
    const ImageSize size = source.shape().size();
    for (const auto& [mode, fill] : modes) {
      for (std::size_t number = 0; number < shifts.size(); ++number) {
        const std::string name = std::string(picture) + "_" + mode + "_" + std::to_string(number);
        Image expected = load_picture(name);
        for (const Filter filter : {Filter::linear, Filter::triangle}) {
          SamplePlan plan =
              make_plan(size, size, filter, fill, shifts[number][0], shifts[number][1]);
          plan.fill_value = 77;
          EXPECT_LE(largest_difference(render_u8(plan, source.view()), expected), 1) << name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace headrace
