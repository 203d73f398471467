#include "headrace/augment/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "headrace/augment/fixed_point.h"
#include "headrace/pipeline/rng.h"

namespace headrace {
namespace {

TEST(Kernels, ArePortableFirstAndNamedApart) {
  EXPECT_EQ(available_kernels().front(), &portable_kernels());
  std::set<std::string> names;
  for (const Kernels* kernels : available_kernels()) {
    EXPECT_TRUE(names.insert(kernels->name).second);
  }
#if defined(__x86_64__)
  EXPECT_EQ(names.count("avx2") == 1, __builtin_cpu_supports("avx2") != 0);
#endif
}

// Vector code has its edges at other lengths than what images of a test happen to have. Outputs
// without slack have not one byte more than they need, for the address sanitizer.
TEST(Kernels, NormaliseAgreesAtEveryLengthAndType) {
  Rng rng(1, 0);
  constexpr std::size_t period = 48;
  for (const ElementType type : {ElementType::f32, ElementType::f16, ElementType::bf16}) {
    for (const bool repeats : {true, false}) {
      for (std::size_t count = 0; count < 150; ++count) {
        std::vector<std::uint8_t> in(count);
        std::vector<float> scale(period);
        std::vector<float> offset(repeats ? period : count);
        for (std::uint8_t& level : in) level = static_cast<std::uint8_t>(rng.below(256));
        for (float& value : scale) value = static_cast<float>(rng.uniform(-1, 2));
        for (float& value : offset) value = static_cast<float>(rng.uniform(-300, 0));
        const Normalisation numbers{scale.data(), offset.data(), period, repeats, type};
        std::vector<std::byte> expected(count * size_of(type));
        portable_kernels().normalise(in.data(), numbers, count, expected.data());
        for (const Kernels* kernels : available_kernels()) {
          std::vector<std::byte> result(expected.size());
          kernels->normalise(in.data(), numbers, count, result.data());
          ASSERT_EQ(result, expected) << kernels->name << ", " << count << to_string(type);
        }
      }
    }
  }
}

TEST(Kernels, NormaliseAgreesPastTheCaches) {
  constexpr std::size_t alignment = 64;
  constexpr std::size_t count = 1000;
  Rng rng(6, 0);
  std::vector<std::uint8_t> in(count);
  for (std::uint8_t& level : in) level = static_cast<std::uint8_t>(rng.below(256));
  const std::vector<float> scale(Normalisation::multiple, 1 / 255.0f);
  const std::vector<float> offset(Normalisation::multiple, -0.45f);
  for (const ElementType type : {ElementType::f32, ElementType::f16, ElementType::bf16}) {
    const Normalisation numbers{scale.data(), offset.data(), Normalisation::multiple,
                                true,         type,          true};
    std::vector<std::byte> expected(count * size_of(type));
    portable_kernels().normalise(in.data(), numbers, count, expected.data());
    for (const Kernels* kernels : available_kernels()) {
      for (const std::size_t misaligned : {0, 4}) {
        std::vector<std::byte> memory(expected.size() + 2 * alignment);
        const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
        std::byte* out = memory.data() + (alignment - address % alignment) + misaligned;
        kernels->normalise(in.data(), numbers, count, out);
        kernels->settle();
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out)) << kernels->name;
      }
    }
  }
}

TEST(Kernels, SplitAgreesAtEveryLengthAndNumberOfChannels) {
  Rng rng(4, 0);
  for (int channels = 2; channels < 6; ++channels) {
    for (std::size_t pixels = 1; pixels < 70; ++pixels) {
      const std::size_t count = pixels * static_cast<std::size_t>(channels);
      std::vector<std::uint8_t> in(count + Kernels::slack);
      for (std::uint8_t& level : in) level = static_cast<std::uint8_t>(rng.below(256));
      for (const Kernels* kernels : available_kernels()) {
        std::vector<std::uint8_t> planes(count);
        kernels->split(in.data(), channels, pixels, planes.data());
        for (std::size_t e = 0; e < count; ++e) {
          ASSERT_EQ(planes[e], in[e % pixels * static_cast<std::size_t>(channels) + e / pixels])
              << kernels->name << ", " << pixels << "x" << channels;
        }
      }
    }
  }
}

TEST(Kernels, BlendRowsAgreesAtEveryLengthAndNumberOfTaps) {
  Rng rng(2, 0);
  for (std::size_t count = 1; count < 100; ++count) {
    for (int taps = 0; taps < 8; taps += 2) {
      std::vector<std::vector<std::uint8_t>> rows(static_cast<std::size_t>(taps));
      std::vector<const std::uint8_t*> pointers;
      for (auto& row : rows) {
        for (std::size_t e = 0; e < count; ++e) {
          row.push_back(static_cast<std::uint8_t>(rng.below(256)));
        }
        pointers.push_back(row.data());
      }
      const std::vector<std::int16_t> weights(static_cast<std::size_t>(taps),
                                              static_cast<std::int16_t>(16384 / (taps + 1)));
      std::vector<std::int16_t> expected(count + Kernels::slack / 2);
      portable_kernels().blend_rows(pointers.data(), weights.data(), taps, 12345, count,
                                    expected.data());
      expected.resize(count);
      for (const Kernels* kernels : available_kernels()) {
        std::vector<std::int16_t> result(count + Kernels::slack / 2);
        kernels->blend_rows(pointers.data(), weights.data(), taps, 12345, count, result.data());
        result.resize(count);
        ASSERT_EQ(result, expected) << kernels->name << ", " << count << ", " << taps;
      }
    }
  }
}

// Weights up to one, which is more than what is left of it in eight bits.
TEST(Kernels, BlendRowsAgreesForWeightsOfEverySize) {
  Rng rng(7, 0);
  constexpr std::size_t count = 131;
  for (int i = 0; i < 300; ++i) {
    const auto taps = static_cast<std::size_t>(2 + 2 * rng.below(10));
    std::vector<std::vector<std::uint8_t>> rows(taps, std::vector<std::uint8_t>(count));
    std::vector<const std::uint8_t*> pointers;
    std::vector<std::int16_t> weights;
    int left = fixed::one;
    for (auto& row : rows) {
      for (std::uint8_t& level : row) {
        level = rng.chance(0.3) ? 255 : static_cast<std::uint8_t>(rng.below(256));
      }
      pointers.push_back(row.data());
      const auto most = static_cast<std::uint64_t>(rng.chance(0.3) ? left : left / 2) + 1;
      weights.push_back(static_cast<std::int16_t>(rng.below(most)));
      left -= weights.back();
    }
    const std::int32_t bias = static_cast<std::int32_t>(rng.below(256)) * left;
    std::vector<std::int16_t> expected(count + Kernels::slack / 2);
    portable_kernels().blend_rows(pointers.data(), weights.data(), static_cast<int>(taps), bias,
                                  count, expected.data());
    for (const Kernels* kernels : available_kernels()) {
      std::vector<std::int16_t> result(expected.size());
      kernels->blend_rows(pointers.data(), weights.data(), static_cast<int>(taps), bias, count,
                          result.data());
      ASSERT_TRUE(std::equal(result.begin(), result.begin() + count, expected.begin()))
          << kernels->name << ", " << taps;
    }
  }
}

// Weights that sum to one have arithmetic of their own in vector code.
TEST(Kernels, BlendRowsAgreesForEveryPairOfWeights) {
  std::vector<std::uint8_t> a;
  std::vector<std::uint8_t> b;
  for (int difference = -255; difference <= 255; ++difference) {
    a.push_back(static_cast<std::uint8_t>(difference < 0 ? -difference : 0));
    b.push_back(static_cast<std::uint8_t>(difference < 0 ? 0 : difference));
  }
  const std::uint8_t* rows[] = {a.data(), b.data()};
  std::vector<std::int16_t> expected(a.size() + Kernels::slack / 2);
  std::vector<std::int16_t> result(expected.size());
  for (int second = 0; second <= fixed::one; ++second) {
    const std::int16_t weights[] = {static_cast<std::int16_t>(fixed::one - second),
                                    static_cast<std::int16_t>(second)};
    portable_kernels().blend_rows(rows, weights, 2, 0, a.size(), expected.data());
    for (const Kernels* kernels : available_kernels()) {
      kernels->blend_rows(rows, weights, 2, 0, a.size(), result.data());
      ASSERT_TRUE(std::equal(result.begin(), result.begin() + std::ssize(a), expected.begin()))
          << kernels->name << ", " << second;
    }
  }
}

TEST(Kernels, BlendShiftedAgreesForEveryPairOfWeights) {
  Rng rng(5, 0);
  constexpr std::size_t pitch = 103;
  constexpr std::size_t count = 99;
  constexpr int rows = 3;
  std::vector<std::int16_t> mid(rows * pitch + Kernels::slack);
  for (std::int16_t& level : mid) level = static_cast<std::int16_t>(rng.below(255 * 128 + 1));
  std::fill_n(mid.begin(), 20, std::int16_t{255 * 128});
  std::fill_n(mid.begin() + 20, 20, std::int16_t{0});
  std::vector<std::uint8_t> expected(rows * count + Kernels::slack);
  std::vector<std::uint8_t> result(expected.size());
  for (int second = 0; second < fixed::one; ++second) {
    const auto weight = static_cast<std::int16_t>(second);
    const int distance = 1 + second % 4;
    portable_kernels().blend_shifted(mid.data(), pitch, rows, distance, weight, count,
                                     expected.data());
    for (const Kernels* kernels : available_kernels()) {
      kernels->blend_shifted(mid.data(), pitch, rows, distance, weight, count, result.data());
      ASSERT_TRUE(std::equal(result.begin(), result.begin() + rows * count, expected.begin()))
          << kernels->name << ", " << second;
    }
  }
}

TEST(Kernels, MirrorAgreesAtEveryWidthAndNumberOfChannels) {
  Rng rng(3, 0);
  constexpr int rows = 3;
  for (int channels = 1; channels < 7; ++channels) {
    for (int width = 1; width < 70; ++width) {
      const auto count = static_cast<std::size_t>(rows * width * channels);
      std::vector<std::uint8_t> in(count + Kernels::slack);
      for (std::uint8_t& level : in) level = static_cast<std::uint8_t>(rng.below(256));
      std::vector<std::uint8_t> expected(count);
      portable_kernels().mirror(in.data(), rows, width, channels, expected.data());
      for (const Kernels* kernels : available_kernels()) {
        std::vector<std::uint8_t> result(count + Kernels::slack);
        kernels->mirror(in.data(), rows, width, channels, result.data());
        result.resize(count);
        ASSERT_EQ(result, expected) << kernels->name << ", " << width << "x" << channels;
      }
    }
  }
}

}  // namespace
}  // namespace headrace
