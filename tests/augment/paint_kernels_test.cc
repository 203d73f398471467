#include "headrace/augment/paint_kernels.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "headrace/augment/kernels.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Vectors end at other lengths than what images of a test happen to have.
constexpr std::size_t most_pixels = 150;

Bytes noise(std::size_t count, std::uint64_t seed) {
  Rng rng(seed, 0);
  Bytes levels(count);
  for (std::uint8_t& level : levels) level = static_cast<std::uint8_t>(rng.below(256));
  return levels;
}

// That `result_of`, a function of a set of kernels, has one value.
template <class ResultOf>
void expect_agreement(const ResultOf& result_of) {
  const auto expected = result_of(*portable_kernels().painting);
  for (const Kernels* kernels : available_kernels()) {
    ASSERT_EQ(result_of(*kernels->painting), expected) << kernels->name;
  }
}

TEST(PaintKernels, ColoursAgreeAtEveryLength) {
  for (std::size_t pixels = 0; pixels < most_pixels; ++pixels) {
    const Bytes before = noise(3 * pixels, pixels);
    expect_agreement([&](const PaintKernels& kernels) {
      Bytes after = before;
      kernels.to_grey(after.data(), pixels);
      return after;
    });
    for (const float factor : {0.0f, 0.37f, 1.9f}) {
      expect_agreement([&](const PaintKernels& kernels) {
        Bytes after = before;
        kernels.scale_saturation(after.data(), pixels, factor);
        return after;
      });
    }
    for (const float sixths : {0.0f, 0.61f, 3.0f, 5.9f}) {
      expect_agreement([&](const PaintKernels& kernels) {
        Bytes after = before;
        kernels.turn_hue(after.data(), pixels, sixths);
        return after;
      });
    }
    expect_agreement(
        [&](const PaintKernels& kernels) { return kernels.sum_luma(before.data(), pixels); });
  }
}

TEST(PaintKernels, AHueTurnedByNothingIsWhatItWas) {
  // All shades of every pair of colours, each with a third.
  Bytes before;
  for (int r = 0; r < 256; r += 3) {
    for (int g = 0; g < 256; ++g) {
      before.insert(before.end(), {static_cast<std::uint8_t>(r), static_cast<std::uint8_t>(g),
                                   static_cast<std::uint8_t>(r * 7 + g * 13)});
    }
  }
  for (const Kernels* kernels : available_kernels()) {
    Bytes after = before;
    kernels->painting->turn_hue(after.data(), after.size() / 3, 0);
    EXPECT_TRUE(after == before) << kernels->name;
  }
}

TEST(PaintKernels, TwoSixthsOfTheCircleMakeOfEachColourTheNext) {
  for (const Kernels* kernels : available_kernels()) {
    Bytes colours = {200, 10, 10, 10, 200, 200, 7, 7, 7};
    kernels->painting->turn_hue(colours.data(), 3, 2);
    EXPECT_EQ(colours, (Bytes{10, 200, 10, 200, 10, 200, 7, 7, 7})) << kernels->name;
  }
}

TEST(PaintKernels, LevelsFromAThresholdOnAreInverted) {
  for (const std::uint8_t threshold : Bytes{0, 1, 128, 255}) {
    for (std::size_t count = 0; count < 2 * most_pixels; ++count) {
      const Bytes before = noise(count, count);
      for (const Kernels* kernels : available_kernels()) {
        Bytes after = before;
        kernels->painting->invert_from(threshold, after.data(), count);
        for (std::size_t e = 0; e < count; ++e) {
          ASSERT_EQ(after[e], before[e] >= threshold ? 255 - before[e] : before[e])
              << kernels->name;
        }
      }
    }
  }
}

TEST(PaintKernels, TablesAreLookedUpAtEveryLengthAndNumberOfChannels) {
  const Bytes content = noise(4 * 256, 1);
  std::uint8_t tables[4][256];
  for (std::size_t i = 0; i < content.size(); ++i) tables[i / 256][i % 256] = content[i];
  for (std::size_t channels = 1; channels <= 4; ++channels) {
    for (std::size_t pixels = 0; pixels < most_pixels; ++pixels) {
      const Bytes before = noise(channels * pixels, pixels);
      for (const Kernels* kernels : available_kernels()) {
        Bytes after = before;
        kernels->painting->look_up(after.data(), after.size(), tables, channels);
        for (std::size_t e = 0; e < after.size(); ++e) {
          ASSERT_EQ(after[e], tables[e % channels][before[e]]) << kernels->name << ", " << e;
        }
      }
    }
  }
}

TEST(PaintKernels, RangesAreThoseOfEachPlace) {
  for (const std::size_t period : {1, 3, 64, 192}) {
    for (std::size_t count = period; count < 4 * most_pixels; count += 7) {
      const Bytes levels = noise(count, count);
      for (const Kernels* kernels : available_kernels()) {
        Bytes least(period);
        Bytes greatest(period);
        kernels->painting->find_range(levels.data(), count, period, least.data(), greatest.data());
        for (std::size_t e = 0; e < count; ++e) {
          ASSERT_LE(least[e % period], levels[e]) << kernels->name;
          ASSERT_GE(greatest[e % period], levels[e]) << kernels->name;
        }
        for (std::size_t place = 0; place < period; ++place) {
          bool has_least = false;
          bool has_greatest = false;
          for (std::size_t e = place; e < count; e += period) {
            has_least = has_least || levels[e] == least[place];
            has_greatest = has_greatest || levels[e] == greatest[place];
          }
          ASSERT_TRUE(has_least && has_greatest) << kernels->name;
        }
      }
    }
  }
}

TEST(PaintKernels, NeighboursAgreeAtEveryLength) {
  constexpr std::array<float, 5> weights = {0.05f, 0.25f, 0.4f, 0.25f, 0.05f};
  for (std::size_t count = 6; count < 3 * most_pixels; ++count) {
    const Bytes above = noise(count, count);
    const Bytes row = noise(count, count + 1000);
    const Bytes below = noise(count, count + 2000);
    for (const float factor : {-1.0f, 0.5f, 1.0f}) {
      expect_agreement([&](const PaintKernels& kernels) {
        Bytes after(count);
        kernels.sharpen(above.data(), row.data(), below.data(), 3, count, factor, after.data());
        return after;
      });
    }
    expect_agreement([&](const PaintKernels& kernels) {
      std::vector<float> values(count);
      kernels.to_values(row.data(), count, values.data());
      std::array<const float*, weights.size()> rows{};
      for (std::size_t t = 0; t < rows.size(); ++t) rows[t] = values.data() + t;
      std::vector<float> sums(count - weights.size());
      kernels.weigh(rows.data(), weights.data(), weights.size(), sums.size(), sums.data());
      return sums;
    });
  }
}

TEST(PaintKernels, ValuesAreRoundedToTheNearestLevelAndToEvenOnesHalfway) {
  const std::vector<float> values = {-3,    -0.4f, 0.5f,   1.5f,   2.5f,
                                     7.49f, 7.51f, 254.5f, 255.6f, 300};
  const Bytes expected = {0, 0, 0, 2, 2, 7, 8, 254, 255, 255};
  for (const Kernels* kernels : available_kernels()) {
    Bytes levels(values.size());
    kernels->painting->round_levels(values.data(), values.size(), levels.data());
    EXPECT_EQ(levels, expected) << kernels->name;
  }
}

using Places = std::vector<std::int32_t>;

TEST(PaintKernels, PlacesOfAProjectionAgreeAtEveryLength) {
  const std::array<ProjectedRow, 4> rows = {{{1.3, -7.1, 0.2, 3.3, 0.004, 0.9},
                                             {1, 0.5, 0, 0.5, 0, 1},
                                             {-2, 400, 1e9, -1e12, 0.01, 0.2},
                                             {1, 0, 0, 0, -0.125, 1}}};  // one of no place
  for (const ProjectedRow& row : rows) {
    for (std::size_t count = 0; count < most_pixels; ++count) {
      expect_agreement([&](const PaintKernels& kernels) {
        Places places(2 * count);
        kernels.project(row, count, places.data(), places.data() + count);
        return places;
      });
    }
  }
}

TEST(PaintKernels, PlacesOfAProjectionAreInTheMiddleOfPixels) {
  Places x(3);
  Places y(3);
  portable_kernels().painting->project({2, 0.5, 0, 1.75, 0, 1}, 3, x.data(), y.data());
  EXPECT_EQ(x, (Places{0, 2 << 14, 4 << 14}));
  EXPECT_EQ(y, (Places{5 << 12, 5 << 12, 5 << 12}));
}

TEST(PaintKernels, NoiseIsWhatAGeneratorDraws) {
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{0x123456789ABC}}) {
    Rng rng(seed, seed / 3);
    std::vector<float> expected(2 * most_pixels + 3);
    for (float& value : expected) {
      value = static_cast<float>(rng.next_u32() >> 8) * 0x1p-23f - 1;
    }
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{100}, expected.size()}) {
      for (const Kernels* kernels : available_kernels()) {
        std::vector<float> numbers(count);
        kernels->painting->noise(seed, seed / 3, count, numbers.data());
        EXPECT_TRUE(std::equal(numbers.begin(), numbers.end(), expected.begin())) << kernels->name;
      }
    }
  }
}

TEST(PaintKernels, PlacesThatAFieldDisplacesAgreeAtEveryLength) {
  for (std::size_t count = 0; count < most_pixels; ++count) {
    Rng rng(count, 0);
    std::vector<float> field(2 * count);
    for (float& by : field) by = static_cast<float>(rng.uniform(-1, 1));
    for (const float strength : {0.0f, 20.0f, 1e9f}) {
      expect_agreement([&](const PaintKernels& kernels) {
        Places places(2 * count);
        kernels.displace(field.data(), strength, 5, count, places.data(), places.data() + count);
        return places;
      });
    }
  }
}

}  // namespace
}  // namespace headrace
