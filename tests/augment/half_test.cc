#include "headrace/augment/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace headrace {
namespace {

double from_f16(unsigned bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31u);
  const double fraction = static_cast<double>(bits & 1023u);
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000u) != 0 ? -magnitude : magnitude;
}

double from_bf16(unsigned bits) {
  return static_cast<double>(std::bit_cast<float>(std::uint32_t{bits} << 16));
}

// Every finite number stays, and what lies between it and the next goes to the nearer one, halfway
// to the even one.
template <class From, class To>
void expect_nearest(From from, To to, unsigned infinity) {
  for (unsigned bits = 0; bits < infinity; ++bits) {
    const double value = from(bits);
    const double next = bits + 1 == infinity ? 2 * value - from(bits - 1) : from(bits + 1);
    const auto halfway = static_cast<float>((value + next) / 2);
    const unsigned even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(to(static_cast<float>(value)), bits);
    ASSERT_EQ(to(-static_cast<float>(value)), bits | 0x8000u);
    ASSERT_EQ(to(halfway), even) << value;
    ASSERT_EQ(to(std::nextafter(halfway, 0.0f)), bits) << value;
    ASSERT_EQ(to(std::nextafter(halfway, std::numeric_limits<float>::infinity())), bits + 1);
  }
}

TEST(Half, F16IsTheNearestWithTiesToEven) { expect_nearest(from_f16, to_f16, 0x7C00); }

TEST(Half, Bf16IsTheNearestWithTiesToEven) { expect_nearest(from_bf16, to_bf16, 0x7F80); }

TEST(Half, InfinityAndNanStay) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_f16(infinity), 0x7C00);
  EXPECT_EQ(to_f16(-1e30f), 0xFC00);
  EXPECT_EQ(to_bf16(-infinity), 0xFF80);
  EXPECT_GT(to_f16(std::nanf("")) & 0x7FFF, 0x7C00);
  EXPECT_GT(to_bf16(std::nanf("")) & 0x7FFF, 0x7F80);
  EXPECT_GT(to_bf16(std::bit_cast<float>(0x7F800001u)) & 0x7FFF, 0x7F80);
}

}  // namespace
}  // namespace headrace
