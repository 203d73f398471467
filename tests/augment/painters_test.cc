// What operations on pixels make of a picture beside what torchvision does
// (script/fixtures/torchvision_operations.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "../support/fixtures.h"
#include "headrace/augment/operation.h"
#include "headrace/augment/painter.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr ImageShape shape = {24, 36, 3};

struct Case {
  std::string line;
  std::string name;
  PaintedValues values{};
  const std::uint8_t* after;
};

class Painters : public ::testing::Test {
 protected:
  Painters() {
    const std::string folder = fixtures_folder() + "/torchvision/";
    std::ifstream levels(folder + "levels.u8", std::ios::binary);
    levels_.assign(std::istreambuf_iterator<char>(levels), {});
    const auto* at = reinterpret_cast<const std::uint8_t*>(levels_.data());
    before_.assign(at, at + shape.elements());
    std::ifstream file(folder + "cases.txt");
    for (std::string line; std::getline(file, line);) {
      at += shape.elements();
      Case c{line, {}, {}, at};
      std::istringstream text(line);
      text >> c.name;
      for (float& value : c.values) text >> value;
      cases_.push_back(c);
    }
    plan_.fill_mode = FillMode::constant;
  }

  template <class T>
  std::vector<T> painted(const std::string& name, const PaintedValues& values,
                         const Kernels& kernels = best_kernels()) {
    std::vector<T> pixels(before_.begin(), before_.end());
    const Canvas<T> canvas = {pixels.data(), shape, kernels, spare_, plan_};
    const Painter& painter = find_painter(stream_id(name));
    if constexpr (Canvas<T>::is_levels) {
      painter.levels(values, canvas);
    } else {
      painter.values(values, canvas);
    }
    return pixels;
  }

  std::string levels_;
  std::vector<std::uint8_t> before_;
  std::vector<Case> cases_;
  std::vector<std::byte> spare_;
  SamplePlan plan_;
};

TEST_F(Painters, MakeTorchvisionsLevels) {
  ASSERT_GT(cases_.size(), 30u);
  for (const Case& c : cases_) {
    for (const Kernels* kernels : available_kernels()) {
      const std::vector<std::uint8_t> result = painted<std::uint8_t>(c.name, c.values, *kernels);
      int off = 0;
      for (std::size_t e = 0; e < result.size(); ++e) {
        ASSERT_NEAR(result[e], c.after[e], 1) << c.line << " at " << e;
        off += result[e] != c.after[e];
      }
      // Sums in another order may be cut or rounded to the level beside, but rarely.
      const int most = c.name == "perspective" ? 800 : 20;
      EXPECT_LE(off, most) << c.line;
    }
  }
}

TEST_F(Painters, PaintValuesAsLevelsWhereNothingIsCut) {
  for (const Case& c : cases_) {
    const std::vector<float> values = painted<float>(c.name, c.values);
    for (std::size_t e = 0; e < values.size(); ++e) {
      const float value = std::clamp(values[e], 0.0f, 255.0f);
      // What cutting leaves out of a result, and of the greys that it is made of.
      constexpr float most = 2;
      ASSERT_NEAR(static_cast<float>(c.after[e]), value, most) << c.line << " at " << e;
    }
  }
}

TEST_F(Painters, ThatNoOperationHasAreRefused) {
  EXPECT_THROW(find_painter(12345), Error);
  EXPECT_THROW(find_painter(0), Error);
}

TEST_F(Painters, ElasticOfNoStrengthMovesNothing) {
  EXPECT_EQ(painted<std::uint8_t>("elastic", {0, 3, 7, 9}), before_);
  EXPECT_NE(painted<std::uint8_t>("elastic", {60, 3, 7, 9}), before_);
  EXPECT_EQ(painted<std::uint8_t>("elastic", {60, 3, 7, 9}),
            painted<std::uint8_t>("elastic", {60, 3, 7, 9}));
}

// Kernels sample a copy that they know the borders of; the portable ones pixel by pixel.
TEST_F(Painters, ThatMovePixelsAgreeForEverySizeAndFillMode) {
  const std::vector<std::pair<const char*, PaintedValues>> moves = {
      {"perspective", {3, 1, 0, 2, 1, 1, 2, 0}},
      {"perspective", {0.6f, 0.1f, 0.9f, 0.7f, 0.2f, 0.8f, 0.3f, 0.4f}},
      {"elastic", {400, 2, 5, 6}},
      {"elastic", {1000, 0.3f, 5, 6}}};
  for (const ImageShape size : {ImageShape{1, 1, 3},
                                {1, 9, 3},
                                {8, 1, 3},
                                {2, 2, 3},
                                {5, 40, 3},
                                {24, 36, 3},
                                {30, 17, 1}}) {
    ASSERT_LE(size.elements(), before_.size());
    for (int fill = 0; fill <= static_cast<int>(FillMode::scipy_wrap); ++fill) {
      plan_.fill_mode = static_cast<FillMode>(fill);
      plan_.fill_value = 99;
      for (const auto& [name, values] : moves) {
        std::vector<std::uint8_t> expected;
        for (const Kernels* kernels : available_kernels()) {
          std::vector<std::uint8_t> pixels(
              before_.begin(), before_.begin() + static_cast<std::ptrdiff_t>(size.elements()));
          find_painter(stream_id(name))
              .levels(values, {pixels.data(), size, *kernels, spare_, plan_});
          if (expected.empty()) expected = pixels;
          ASSERT_EQ(pixels, expected) << name << " of " << size.height << "x" << size.width
                                      << ", fill mode " << fill << ", " << kernels->name;
        }
      }
    }
  }
}

TEST_F(Painters, ElasticTakesAFieldThatIsKeptForItsOwnValuesAlone) {
  const Painter& elastic = find_painter(stream_id("elastic"));
  std::vector<std::byte> kept;
  for (const PaintedValues& values :
       {PaintedValues{60, 3, 7, 9}, {60, 3, 7, 9}, {61, 3, 7, 9}, {60, 3, 7, 8}, {60, 3, 7, 9}}) {
    std::vector<std::uint8_t> pixels = before_;
    elastic.levels(values, {pixels.data(), shape, best_kernels(), spare_, plan_, &kept});
    EXPECT_EQ(pixels, painted<std::uint8_t>("elastic", values));
    std::vector<Place> places = {{10, 11}};
    std::vector<Place> expected = places;
    elastic.move_places(values, shape.size(), places, &kept);
    elastic.move_places(values, shape.size(), expected, nullptr);
    EXPECT_EQ(places[0].x, expected[0].x);
    EXPECT_EQ(places[0].y, expected[0].y);
  }
}

TEST_F(Painters, AChannelShiftStaysWithinWhatTheImageSpans) {
  const auto [low, high] = std::minmax_element(before_.begin(), before_.end());
  const std::vector<std::uint8_t> shifted = painted<std::uint8_t>("channel_shift", {50});
  for (std::size_t e = 0; e < shifted.size(); ++e) {
    ASSERT_EQ(shifted[e], std::clamp<int>(before_[e] + 50, *low, *high));
  }
}

}  // namespace
}  // namespace headrace
