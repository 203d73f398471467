#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "headrace/formats/baseline/huffman_table.h"
#include "headrace/formats/baseline/pixel_kernels.h"

namespace headrace::baseline {
namespace {

struct Samples {
  alignas(32) std::array<std::uint8_t, 128> values{};
  bool good = false;
};

using Coefficients = std::array<std::int16_t, 64>;

using InverseDct = PixelKernels::InverseDct PixelKernels::*;

Samples inverse_dct(const PixelKernels& kernels, const Coefficients& a, const Coefficients& b,
                    const Coefficients& quantization,
                    InverseDct transform = &PixelKernels::inverse_dct) {
  Samples samples;
  samples.good = (kernels.*transform)({a.data(), quantization.data(), samples.values.data(), 8},
                                      {b.data(), quantization.data(), &samples.values[64], 8});
  return samples;
}

// As few and as many coefficients, as small and as large, as files may have.
Coefficients random_block(std::mt19937& rng) {
  Coefficients block{};
  const auto count = static_cast<unsigned>(rng() % 65);
  const unsigned range = 1u << rng() % 11;
  for (unsigned i = 0; i < count; ++i) {
    const int value = static_cast<int>(rng() % (2 * range)) - static_cast<int>(range);
    block[rng() % 64] = static_cast<std::int16_t>(value);
  }
  return block;
}

// Of coefficients whose magnitudes add up to that.
Coefficients block_of_energy(int energy, std::mt19937& rng) {
  Coefficients block{};
  const auto count = 1 + static_cast<std::size_t>(rng() % 8);
  std::array<std::size_t, 8> places;
  for (auto& place : places) place = rng() % (rng() % 2 == 0 ? 2 : 64);
  for (std::size_t i = 0; energy > 0; ++i) {
    std::int16_t& value = block[places[i % count]];
    const int part = std::min(energy, 1 + static_cast<int>(rng() % 500));
    const bool up = value > 0 || (value == 0 && rng() % 2 == 0);
    value = static_cast<std::int16_t>(value + (up ? part : -part));
    energy -= part;
  }
  return block;
}

// Around the sums of coefficients at which more is looked at, or nothing is decoded.
void expect_agreement_at_limits(InverseDct transform) {
  std::mt19937 rng(4);
  Coefficients ones;
  ones.fill(1);
  int good = 0;
  for (int i = 0; i < 20000; ++i) {
    const int middle = i % 3 == 0 ? PixelKernels::most_energy : 4 * PixelKernels::most_level;
    const auto near = [&] { return middle - 60 + static_cast<int>(rng() % 120); };
    const Coefficients a = block_of_energy(near(), rng);
    const Coefficients b = block_of_energy(i % 2 == 0 ? near() : 100, rng);
    const Samples expected = inverse_dct(portable_pixel_kernels(), a, b, ones, transform);
    good += expected.good;
    for (const PixelKernels* const kernels : available_pixel_kernels()) {
      const Samples actual = inverse_dct(*kernels, a, b, ones, transform);
      ASSERT_EQ(actual.good, expected.good) << kernels->name << ", " << i;
      if (expected.good) {
        ASSERT_EQ(actual.values, expected.values) << kernels->name << ", " << i;
      }
    }
  }
  EXPECT_GT(good, 5000);
  EXPECT_LT(good, 19000);
}

void expect_agreement(InverseDct transform) {
  std::mt19937 rng(3);
  int good = 0;
  for (int i = 0; i < 20000; ++i) {
    Coefficients quantization;
    const unsigned most = 1u << rng() % 9;
    for (auto& q : quantization) q = static_cast<std::int16_t>(1 + rng() % most);
    const Coefficients a = random_block(rng);
    const Coefficients b = random_block(rng);
    const Samples expected = inverse_dct(portable_pixel_kernels(), a, b, quantization, transform);
    good += expected.good;
    for (const PixelKernels* const kernels : available_pixel_kernels()) {
      const Samples actual = inverse_dct(*kernels, a, b, quantization, transform);
      ASSERT_EQ(actual.good, expected.good) << kernels->name << ", " << i;
      if (expected.good) {
        ASSERT_EQ(actual.values, expected.values) << kernels->name << ", " << i;
      }
    }
  }
  EXPECT_GT(good, 5000);
  EXPECT_LT(good, 19000) << "blocks beyond the limits are found, too";
}

TEST(BaselineKernels, InverseDctsAgree) { expect_agreement(&PixelKernels::inverse_dct); }
TEST(BaselineKernels, InverseDctsToFourAgree) { expect_agreement(&PixelKernels::inverse_dct_to_4); }
TEST(BaselineKernels, InverseDctsToTwoAgree) { expect_agreement(&PixelKernels::inverse_dct_to_2); }

TEST(BaselineKernels, InverseDctsAgreeAtTheirLimits) {
  expect_agreement_at_limits(&PixelKernels::inverse_dct);
  expect_agreement_at_limits(&PixelKernels::inverse_dct_to_4);
  expect_agreement_at_limits(&PixelKernels::inverse_dct_to_2);
}

// Of what is not clamped.
TEST(BaselineKernels, ReducedInverseDctsGiveMeansOfTheFullOne) {
  std::mt19937 rng(5);
  Coefficients ones;
  ones.fill(1);
  for (int i = 0; i < 300; ++i) {
    Coefficients block{};
    for (int k = 0; k < 6; ++k) {
      block[rng() % 64] = static_cast<std::int16_t>(static_cast<int>(rng() % 100) - 50);
    }
    const Samples full = inverse_dct(best_pixel_kernels(), block, block, ones);
    for (const int side : {4, 2}) {
      const Samples reduced = inverse_dct(
          best_pixel_kernels(), block, block, ones,
          side == 4 ? &PixelKernels::inverse_dct_to_4 : &PixelKernels::inverse_dct_to_2);
      ASSERT_TRUE(full.good && reduced.good);
      for (int y = 0; y < side; ++y) {
        for (int x = 0; x < side; ++x) {
          const int step = 8 / side;
          double mean = 0;
          for (int j = 0; j < step * step; ++j) {
            const int at = 8 * (y * step + j / step) + x * step + j % step;
            mean += full.values[static_cast<std::size_t>(at)];
          }
          mean /= step * step;
          ASSERT_NEAR(reduced.values[static_cast<std::size_t>(8 * y + x)], mean, 1.1) << side;
        }
      }
    }
  }
}

// ITU-T T.81, A.3.3, in floating point.
TEST(BaselineKernels, InverseDctIsThatOfTheStandard) {
  std::mt19937 rng(5);
  Coefficients ones;
  ones.fill(1);
  for (int i = 0; i < 200; ++i) {
    Coefficients block{};
    for (int k = 0; k < 10; ++k) {
      block[rng() % 64] = static_cast<std::int16_t>(static_cast<int>(rng() % 200) - 100);
    }
    const Samples actual = inverse_dct(best_pixel_kernels(), block, block, ones);
    ASSERT_TRUE(actual.good);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        double sum = 0;
        for (int v = 0; v < 8; ++v) {
          for (int u = 0; u < 8; ++u) {
            constexpr double sixteenth = 3.14159265358979323846 / 16;
            sum += (u == 0 ? std::sqrt(0.5) : 1) * (v == 0 ? std::sqrt(0.5) : 1) *
                   block[static_cast<std::size_t>(8 * v + u)] *
                   std::cos((2 * x + 1) * u * sixteenth) * std::cos((2 * y + 1) * v * sixteenth);
          }
        }
        const double level = std::clamp(sum / 4 + 128, 0., 255.);
        ASSERT_NEAR(actual.values[static_cast<std::size_t>(8 * y + x)], level, 0.6);
      }
    }
  }
}

TEST(BaselineKernels, ColoursAgreeForAllLevelsOfChroma) {
  constexpr std::size_t count = 256 + 7;
  for (unsigned y = 0; y < 256; y += 5) {
    for (unsigned cb = 0; cb < 256; ++cb) {
      std::array<std::uint8_t, count + PixelKernels::slack> ys{};
      std::array<std::uint8_t, count + PixelKernels::slack> cbs{};
      std::array<std::uint8_t, count + PixelKernels::slack> crs{};
      for (std::size_t i = 0; i < count; ++i) {
        ys[i] = static_cast<std::uint8_t>(y + i / 100);
        cbs[i] = static_cast<std::uint8_t>(cb);
        crs[i] = static_cast<std::uint8_t>(i);
      }
      std::array<std::uint8_t, 3 * count> expected{};
      portable_pixel_kernels().to_rgb(ys.data(), cbs.data(), crs.data(), count, expected.data());
      for (const PixelKernels* const kernels : available_pixel_kernels()) {
        std::array<std::uint8_t, 3 * count> actual{};
        kernels->to_rgb(ys.data(), cbs.data(), crs.data(), count, actual.data());
        ASSERT_EQ(actual, expected) << kernels->name;
      }
    }
  }
}

TEST(BaselineKernels, InterpolationsAgree) {
  std::mt19937 rng(7);
  for (std::size_t count = 1; count < 100; ++count) {
    std::vector<std::uint8_t> near(count + PixelKernels::slack);
    std::vector<std::uint8_t> far(count + PixelKernels::slack);
    for (auto& value : near) value = static_cast<std::uint8_t>(rng());
    for (auto& value : far) value = static_cast<std::uint8_t>(rng());
    for (const Interpolation& how : {Interpolation{8, 7, 4}, Interpolation{1, 2, 2}}) {
      const auto run = [&](const PixelKernels& kernels) {
        std::vector<std::uint16_t> blended(1 + count + PixelKernels::slack);
        if (how.shift == 4) {
          kernels.blend_rows(near.data(), far.data(), count, blended.data() + 1);
        } else {
          std::copy_n(near.begin(), count, blended.begin() + 1);
        }
        blended[0] = blended[1];
        blended[count + 1] = blended[count];
        std::vector<std::uint8_t> out(2 * count + PixelKernels::slack);
        kernels.interpolate(blended.data() + 1, count, how, out.data());
        out.resize(2 * count);
        return out;
      };
      const auto expected = run(portable_pixel_kernels());
      for (const PixelKernels* const kernels : available_pixel_kernels()) {
        ASSERT_EQ(run(*kernels), expected) << kernels->name << ", " << count;
      }
    }
  }
}

TEST(BaselineHuffman, CodesThatAreNoPrefixCodeAreRefused) {
  HuffmanSpec spec;
  EXPECT_FALSE(spec.is_valid(TableClass::ac)) << "empty";
  spec.counts[0] = 1;
  EXPECT_TRUE(spec.is_valid(TableClass::ac));
  spec.counts[0] = 2;
  EXPECT_FALSE(spec.is_valid(TableClass::ac)) << "a code of ones alone";
  spec.counts[0] = 1;
  spec.counts[1] = 2;
  EXPECT_FALSE(spec.is_valid(TableClass::ac));
  spec.counts[1] = 1;
  spec.symbols[1] = 16;
  EXPECT_TRUE(spec.is_valid(TableClass::ac));
  EXPECT_FALSE(spec.is_valid(TableClass::dc)) << "differences have up to 15 bits";
  spec.counts.fill(255);
  EXPECT_FALSE(spec.is_valid(TableClass::ac));
}

TEST(BaselineHuffman, TablesAreFoundAgainByTheirBytes) {
  HuffmanTableCache cache(TableClass::ac);
  HuffmanSpec spec;
  spec.counts[2] = 3;
  const HuffmanTable* const first = cache.find(spec);
  ASSERT_NE(first, nullptr);
  spec.symbols[200] = 9;  // of no code
  EXPECT_EQ(cache.find(spec), first);
  spec.symbols[2] = 9;
  EXPECT_NE(cache.find(spec), first);
}

// A scan uses up to three tables of a class at once, and some of them may be there already.
TEST(BaselineHuffman, TheLastTablesAskedForStayWhatTheyAre) {
  HuffmanTableCache cache(TableClass::ac);
  std::mt19937 rng(9);
  for (int i = 0; i < 300; ++i) {
    std::array<HuffmanSpec, 3> specs;
    std::array<const HuffmanTable*, 3> tables{};
    for (std::size_t k = 0; k < 3; ++k) {
      specs[k].counts[0] = 1;
      specs[k].symbols[0] = static_cast<std::uint8_t>(1 + rng() % 6);
      tables[k] = cache.find(specs[k]);
    }
    for (std::size_t k = 0; k < 3; ++k) {
      ASSERT_NE(tables[k], nullptr);
      ASSERT_EQ(tables[k]->symbols[0].total(), 1u + specs[k].symbols[0]);
    }
  }
}

}  // namespace
}  // namespace headrace::baseline
