// What recipes make of images beside what Keras and SciPy do (script/fixtures/keras_augment.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "../support/fixtures.h"
#include "headrace/augment/keras.h"
#include "headrace/pipeline/rng.h"
#include "pictures.h"

namespace headrace {
namespace {

constexpr double cval = 0.25;

struct Case {
  std::string line;
  std::string compat;
  ImageShape shape;
  KerasImageDataGenerator generator;
  KerasTransform transform;
  const float* before;
  const float* after;
};

std::vector<float> load_values(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), values.size() * sizeof(float), reinterpret_cast<char*>(values.data()));
  return values;
}

class KerasPixels : public ::testing::Test {
 protected:
  KerasPixels() : values_(load_values(folder() + "values.f32")) {
    std::ifstream file(folder() + "cases.txt");
    const float* at = values_.data();
    for (std::string line; std::getline(file, line);) {
      std::istringstream text(line);
      Case c;
      c.line = line;
      KerasTransform& t = c.transform;
      text >> c.compat >> c.shape.height >> c.shape.width >> c.shape.channels >>
          c.generator.fill_mode >> c.generator.interpolation_order >> t.theta >> t.tx >> t.ty >>
          t.shear >> t.zx >> t.zy >> t.flip_horizontal >> t.flip_vertical >>
          t.channel_shift_intensity >> t.brightness;
      c.generator.compat = c.compat;
      c.generator.cval = cval;
      c.before = at;
      c.after = at + c.shape.elements();
      at += 2 * c.shape.elements();
      cases_.push_back(c);
    }
    EXPECT_EQ(at, values_.data() + values_.size());
  }

  static std::string folder() { return fixtures_folder() + "/keras_augment/"; }

  static Recipe recipe_of(const Case& c) {
    Recipe recipe = c.generator.recipe(c.shape);
    // The documented meaning says nothing of how what shrinks is sampled; the fixtures do.
    if (c.generator.interpolation_order == 1) recipe.set("resize", "linear");
    return recipe;
  }

  std::vector<float> values_;
  std::vector<Case> cases_;
};

TEST_F(KerasPixels, ValuesAreThoseOfKerasToATenThousandth) {
  ASSERT_EQ(cases_.size(), 3u * 4 * 7 * 3);
  for (const Case& c : cases_) {
    const std::vector<float> pixels(c.before, c.before + c.shape.elements());
    const Recipe recipe = recipe_of(c);
    const SamplePlan plan = keras_plan(recipe, c.transform, c.shape.size());
    const std::vector<float> result = testing::render_f32(plan, testing::view_of(pixels, c.shape));
    for (std::size_t e = 0; e < result.size(); ++e) {
      ASSERT_NEAR(result[e], c.after[e], 1e-4f) << c.line << " at " << e;
    }
  }
}

// Levels: half a level for rounding to them before and half after, a hundredth for coordinates of
// 2^-15 pixels; a spline's rounding grows by its largest gain (1.6 along each axis).
TEST_F(KerasPixels, LevelsAreWithinTheirRounding) {
  for (const Case& c : cases_) {
    if (c.transform.channel_shift_intensity != 0) continue;
    Image levels(c.shape);
    for (std::size_t e = 0; e < c.shape.elements(); ++e) {
      levels.data()[e] = static_cast<std::byte>(std::lround(c.before[e] * 255));
    }
    Recipe recipe = recipe_of(c);
    recipe.set("fill_value", cval * 255);
    const SamplePlan plan = keras_plan(recipe, c.transform, c.shape.size());
    const std::vector<std::uint8_t> result = testing::render_u8(plan, levels.view());
    const float tolerance = c.generator.interpolation_order == 3 ? 2.0f : 1.02f;
    for (std::size_t e = 0; e < result.size(); ++e) {
      const float expected = std::clamp(c.after[e] * 255, 0.0f, 255.0f);
      ASSERT_NEAR(static_cast<float>(result[e]), expected, tolerance) << c.line << " at " << e;
    }
  }
}

}  // namespace
}  // namespace headrace
