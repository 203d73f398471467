// Masks, boxes, key points and second images go where the image goes.

#include "headrace/pipeline/targets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "../support/fixtures.h"
#include "headrace/augment/operation.h"
#include "headrace/augment/recipe.h"
#include "headrace/augment/target_geometry.h"
#include "headrace/pipeline/error.h"
#include "pictures.h"

namespace headrace {
namespace {

using testing::whole;

constexpr ImageSize frame = {24, 36};

Recipe plain_recipe() { return Recipe({frame.height, frame.width, 3}, ElementType::u8); }

SamplePlan plan_of(const AffineMap& map, ImageSize size = frame) {
  SamplePlan plan;
  plan.source = size;
  plan.output = size;
  plan.source_from_output = map;
  plan.filter = Filter::linear;
  plan.fill_mode = FillMode::constant;
  return plan;
}

AffineMap turn_by(double degrees, double x, double y) {
  const double c = std::cos(degrees * M_PI / 180);
  const double s = std::sin(degrees * M_PI / 180);
  return {.xx = c, .xy = -s, .xt = x - c * x + s * y, .yx = s, .yy = c, .yt = y - s * x - c * y};
}

Box box_of(float left, float top, float right, float bottom) {
  return {left, top, right, bottom, 3, 1};
}

std::vector<std::uint8_t> mask_under(const Recipe& recipe, const SamplePlan& plan,
                                     const Image& mask) {
  const auto augmenter = recipe.make_augmenter();
  const TargetMover& targets = *augmenter->targets();
  std::vector<std::uint8_t> out(static_cast<std::size_t>(plan.output.height * plan.output.width));
  RenderScratch scratch;
  targets.render_mask(targets.mask_plan(plan, mask.shape().size()), mask.view(), whole(mask.view()),
                      reinterpret_cast<std::byte*>(out.data()), scratch);
  return out;
}

// Level 1 + the number of the pixel, as far as levels go.
Image numbered_mask(ImageSize size) {
  Image mask({size.height, size.width, 1});
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      mask.row<std::uint8_t>(y)[x] = static_cast<std::uint8_t>(1 + (y * size.width + x) % 250);
    }
  }
  return mask;
}

struct Case {
  AffineMap map;
  std::vector<float> moved;
  std::vector<float> boxes;
  std::vector<float> after;
};

std::vector<float> numbers_of(std::istream& file) {
  std::string line;
  std::getline(file, line);
  std::istringstream text(line);
  return {std::istream_iterator<float>(text), {}};
}

std::vector<Case> cases_of_torchvision() {
  std::ifstream file(fixtures_folder() + "/torchvision/targets.txt");
  std::vector<Case> cases;
  while (file.peek() != std::ifstream::traits_type::eof()) {
    Case one;
    std::vector<float> map = numbers_of(file);
    map.resize(6);
    one.map = {map[0], map[1], map[2], map[3], map[4], map[5]};
    one.moved = numbers_of(file);
    one.boxes = numbers_of(file);
    one.after = numbers_of(file);
    cases.push_back(one);
  }
  return cases;
}

SamplePlan plan_of(const Case& one) {
  SamplePlan plan = plan_of(one.map);
  if (!one.moved.empty()) {
    PlannedOperation tilt{stream_id("perspective"), {}};
    std::copy(one.moved.begin(), one.moved.end(), tilt.values.begin());
    plan.add(tilt);
  }
  return plan;
}

TEST(Targets, BoxesLieWhereTorchvisionPutsThem) {
  const std::vector<Case> cases = cases_of_torchvision();
  ASSERT_EQ(cases.size(), 9u);
  for (std::size_t c = 0; c < cases.size(); ++c) {
    const std::vector<float>& before = cases[c].boxes;
    std::vector<Box> boxes;
    for (std::size_t i = 0; i < before.size(); i += 4) {
      boxes.push_back(box_of(before[i], before[i + 1], before[i + 2], before[i + 3]));
    }
    move_boxes(plan_of(cases[c]), boxes);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const float* after = cases[c].after.data() + 4 * i;
      const float got[] = {boxes[i].left, boxes[i].top, boxes[i].right, boxes[i].bottom};
      for (int k = 0; k < 4; ++k) EXPECT_NEAR(got[k], after[k], 1e-3) << c << " box " << i;
    }
  }
}

TEST(Targets, MasksHaveTorchvisionsClasses) {
  std::ifstream file(fixtures_folder() + "/torchvision/masks.u8", std::ios::binary);
  const std::string levels((std::istreambuf_iterator<char>(file)), {});
  const std::size_t pixels = static_cast<std::size_t>(frame.height * frame.width);
  const std::vector<Case> cases = cases_of_torchvision();
  ASSERT_EQ(levels.size(), pixels * (cases.size() + 1));
  Image mask({frame.height, frame.width, 1});
  std::memcpy(mask.data(), levels.data(), pixels);
  Recipe recipe = plain_recipe();
  recipe.set("mask_fill", 7.0).set("fill_value", 200.0);
  for (std::size_t c = 0; c < cases.size(); ++c) {
    const std::vector<std::uint8_t> made = mask_under(recipe, plan_of(cases[c]), mask);
    std::size_t others = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
      others += made[i] != static_cast<std::uint8_t>(levels[pixels * (c + 1) + i]);
    }
    // Where a source lies half between two pixels, either may be the nearest.
    EXPECT_LE(others, 2u) << c;
  }
}

TEST(Targets, StayWhereTheyAreIfNothingMoves) {
  const Image mask = numbered_mask(frame);
  const SamplePlan plan = plan_of(AffineMap{});
  const std::vector<std::uint8_t> made = mask_under(plain_recipe(), plan, mask);
  EXPECT_EQ(0, std::memcmp(made.data(), mask.view().data, made.size()));
  std::vector<Box> boxes = {box_of(1.5f, 2, 30, 7.25f), Box{}};
  move_boxes(plan, boxes);
  EXPECT_FLOAT_EQ(boxes[0].left, 1.5f);
  EXPECT_FLOAT_EQ(boxes[0].bottom, 7.25f);
  EXPECT_EQ(boxes[0].visibility, 1);
  EXPECT_EQ(boxes[0].label, 3);
  EXPECT_EQ(boxes[1].visibility, 0);
  EXPECT_EQ(boxes[1].label, -1);
}

TEST(Targets, MirroredTwiceAreAsBefore) {
  const AffineMap mirror = {.xx = -1, .xt = frame.width};
  std::vector<KeyPoint> points = {{3.25f, 7, 1}, {0, 0, 1}, {36, 24, 1}};
  const std::vector<KeyPoint> before = points;
  move_points(plan_of(mirror), points);
  EXPECT_FLOAT_EQ(points[0].x, 32.75f);
  move_points(plan_of(mirror), points);
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_FLOAT_EQ(points[i].x, before[i].x);
    EXPECT_FLOAT_EQ(points[i].y, before[i].y);
    EXPECT_EQ(points[i].visibility, 1);
  }
}

TEST(Targets, TurnedFourTimesByAQuarterAreAsBefore) {
  constexpr ImageSize square = {24, 24};
  const SamplePlan plan = plan_of(turn_by(90, 12, 12), square);
  const Recipe recipe({square.height, square.width, 3}, ElementType::u8);
  const Image first = numbered_mask(square);
  Image mask = numbered_mask(square);
  std::vector<KeyPoint> points = {{3.25f, 7, 1}};
  std::vector<Box> boxes = {box_of(2, 3, 11, 20)};
  for (int i = 0; i < 4; ++i) {
    const std::vector<std::uint8_t> made = mask_under(recipe, plan, mask);
    if (i == 0) {
      EXPECT_NE(0, std::memcmp(made.data(), first.view().data, made.size()));
    }
    std::memcpy(mask.data(), made.data(), made.size());
    move_points(plan, points);
    move_boxes(plan, boxes);
  }
  EXPECT_EQ(0, std::memcmp(mask.data(), first.view().data, 24 * 24));
  EXPECT_NEAR(points[0].x, 3.25, 1e-4);
  EXPECT_NEAR(points[0].y, 7, 1e-4);
  EXPECT_NEAR(boxes[0].left, 2, 1e-4);
  EXPECT_NEAR(boxes[0].top, 3, 1e-4);
  EXPECT_NEAR(boxes[0].right, 11, 1e-4);
  EXPECT_NEAR(boxes[0].bottom, 20, 1e-4);
  EXPECT_NEAR(boxes[0].visibility, 1, 1e-5);
}

TEST(Targets, ThatLeaveTheImageAreCutOffAndSayHowMuchIsLeft) {
  const SamplePlan plan = plan_of({.xt = 10});  // to the left by 10
  std::vector<Box> boxes = {box_of(5, 4, 25, 8), box_of(0, 0, 6, 6), box_of(12, 0, 20, 5)};
  move_boxes(plan, boxes);
  EXPECT_FLOAT_EQ(boxes[0].left, 0);
  EXPECT_FLOAT_EQ(boxes[0].right, 15);
  EXPECT_FLOAT_EQ(boxes[0].visibility, 0.75f);
  EXPECT_EQ(boxes[1].visibility, 0);
  EXPECT_EQ(boxes[1].left, boxes[1].right);
  EXPECT_EQ(boxes[2].visibility, 1);
  std::vector<KeyPoint> points = {{12, 5, 1}, {9, 5, 1}, {20, 5, 0}};
  move_points(plan, points);
  EXPECT_EQ(points[0].visibility, 1);
  EXPECT_FLOAT_EQ(points[0].x, 2);
  EXPECT_EQ(points[1].visibility, 0);
  EXPECT_EQ(points[1].x, 0);
  EXPECT_EQ(points[2].visibility, 0);
}

TEST(Targets, WhatLeftTheImageIsNotBroughtBackByWhatComesAfter) {
  SamplePlan plan = plan_of({.xt = 10});
  plan.add({stream_id("perspective"), {5, 5, 5, 5, 5, 5, 5, 5}});
  std::vector<KeyPoint> points = {{9, 5, 1}, {20, 12, 1}};
  move_points(plan, points);
  EXPECT_EQ(points[0].visibility, 0);
  EXPECT_EQ(points[1].visibility, 1);
}

// The middle of what a painted spot becomes, and where the point on it comes to lie.
void expect_point_on_spot(const Recipe& recipe, ImageSize source, int x, int y,
                          std::uint64_t seed) {
  Image mask({source.height, source.width, 1});
  std::memset(mask.data(), 0, mask.row_bytes() * static_cast<std::size_t>(source.height));
  constexpr int half = 3;
  for (int row = y - half; row <= y + half; ++row) {
    std::memset(mask.row<std::uint8_t>(row) + x - half, 9, 2 * half + 1);
  }
  const SamplePlan plan = recipe.make_augmenter()->plan(source, Rng(seed, 0).for_sample(1));
  const std::vector<std::uint8_t> made = mask_under(recipe, plan, mask);
  double sum_x = 0;
  double sum_y = 0;
  double count = 0;
  for (int row = 0; row < plan.output.height; ++row) {
    for (int column = 0; column < plan.output.width; ++column) {
      if (made[static_cast<std::size_t>(row * plan.output.width + column)] != 9) continue;
      sum_x += column + 0.5;
      sum_y += row + 0.5;
      ++count;
    }
  }
  KeyPoint point = {static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f, 1};
  move_points(plan, {&point, 1});
  ASSERT_GT(count, 5) << seed;
  EXPECT_NEAR(point.x, sum_x / count, 0.6) << seed;
  EXPECT_NEAR(point.y, sum_y / count, 0.6) << seed;
}

TEST(Targets, PointsLieOnTheSpotsTheyMarkUnderAllThatMoves) {
  const std::vector<std::pair<const char*, ParameterValue>> moves = {
      {"rotation", 30.0},
      {"shear", 20.0},
      {"zoom", std::vector<double>{0.8, 1.1}},
      {"width_shift", 0.1},
      {"horizontal_flip", true},
      {"vertical_flip", true},
      {"random_resized_crop", std::vector<double>{0.9, 1.0}},
      {"perspective", std::vector<double>{0.4, 1.0}},
      {"elastic", std::vector<double>{30.0, 5.0}},
  };
  for (const auto& [name, value] : moves) {
    SCOPED_TRACE(name);
    Recipe recipe({64, 80, 3}, ElementType::u8);
    recipe.set(name, value).set("fill_mode", std::string("constant"));
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      expect_point_on_spot(recipe, {100, 120}, 58, 44, seed);
    }
  }
}

TEST(Targets, OperationsOnColoursLeaveMasksAlone) {
  Recipe recipe = plain_recipe();
  recipe.set("color_jitter", std::vector<double>{0.5, 0.5, 0.5, 0.1})
      .set("random_erasing", std::vector<double>{1.0})
      .set("blur", std::vector<double>{5.0});
  const SamplePlan plan = recipe.make_augmenter()->plan(frame, Rng(3, 0).for_sample(2));
  ASSERT_GT(plan.operation_count, 1u);
  const Image mask = numbered_mask(frame);
  const std::vector<std::uint8_t> made = mask_under(recipe, plan, mask);
  EXPECT_EQ(0, std::memcmp(made.data(), mask.view().data, made.size()));
}

TEST(Targets, SecondImagesShareAllOperationsOrThoseThatMoveThem) {
  Recipe recipe = plain_recipe();
  recipe.set("rotation", 20.0).set("brightness", std::vector<double>{0.5, 0.6});
  const testing::Noise noise({frame.height, frame.width, 3}, 5);
  const auto render = [&](const Recipe& how, const ImageView& pixels) {
    const auto augmenter = how.make_augmenter();
    const SamplePlan first = augmenter->plan(frame, Rng(3, 0).for_sample(2));
    const SamplePlan plan = augmenter->targets()->pair_plan(first, pixels.shape.size());
    std::vector<std::uint8_t> out(noise.levels.size());
    RenderScratch scratch;
    augmenter->render(plan, pixels, whole(pixels), reinterpret_cast<std::byte*>(out.data()),
                      scratch);
    return out;
  };
  const auto augmenter = recipe.make_augmenter();
  std::vector<std::uint8_t> image(noise.levels.size());
  RenderScratch scratch;
  augmenter->render(augmenter->plan(frame, Rng(3, 0).for_sample(2)), noise.view(),
                    whole(noise.view()), reinterpret_cast<std::byte*>(image.data()), scratch);
  EXPECT_EQ(render(recipe, noise.view()), image);
  Recipe geometry = recipe;
  geometry.set("pair_operations", std::string("geometry"));
  Recipe without = plain_recipe();
  without.set("rotation", 20.0);
  EXPECT_EQ(render(geometry, noise.view()), render(without, noise.view()));
  EXPECT_NE(render(geometry, noise.view()), image);
}

TEST(Targets, MasksOfAnotherResolutionAreMovedAlike) {
  Image large({48, 72, 1});
  Image small({24, 36, 1});
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 72; ++x) {
      const auto level = static_cast<std::uint8_t>(y / 8 * 9 + x / 8);
      large.row<std::uint8_t>(y)[x] = level;
      small.row<std::uint8_t>(y / 2)[x / 2] = level;
    }
  }
  Recipe recipe = plain_recipe();
  recipe.set("zoom", std::vector<double>{0.7, 0.9}).set("horizontal_flip", true);
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const SamplePlan plan = recipe.make_augmenter()->plan({48, 72}, Rng(seed, 0).for_sample(2));
    EXPECT_EQ(mask_under(recipe, plan, large), mask_under(recipe, plan, small));
  }
}

TEST(Targets, MasksOfMoreThanOneChannelAreRefused) {
  const testing::Noise noise({frame.height, frame.width, 3}, 5);
  const auto augmenter = plain_recipe().make_augmenter();
  std::vector<std::byte> out(noise.levels.size());
  RenderScratch scratch;
  EXPECT_THROW(augmenter->targets()->render_mask(
                   augmenter->targets()->mask_plan(plan_of(AffineMap{}), frame), noise.view(),
                   whole(noise.view()), out.data(), scratch),
               Error);
}

}  // namespace
}  // namespace headrace
