#include "headrace/cli/byte_size.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(ByteSize, UnitsOfThousandsAndOf1024) {
  EXPECT_EQ(parse_byte_size("4096"), 4096u);
  EXPECT_EQ(parse_byte_size("1B"), 1u);
  EXPECT_EQ(parse_byte_size("2kB"), 2000u);
  EXPECT_EQ(parse_byte_size("500MB"), 500'000'000u);
  EXPECT_EQ(parse_byte_size("3GB"), 3'000'000'000u);
  EXPECT_EQ(parse_byte_size("512MiB"), std::size_t{512} << 20);
  EXPECT_EQ(parse_byte_size("2GiB"), std::size_t{2} << 30);
  EXPECT_EQ(parse_byte_size("1TiB"), std::size_t{1} << 40);
}

TEST(ByteSize, ALetterAloneCountsIn1024s) {
  EXPECT_EQ(parse_byte_size("2G"), std::size_t{2} << 30);
  EXPECT_EQ(parse_byte_size("64k"), std::size_t{64} << 10);
}

TEST(ByteSize, FractionsSpacesAndCapitalsAreUnderstood) {
  EXPECT_EQ(parse_byte_size("1.5 GiB"), std::size_t{3} << 29);
  EXPECT_EQ(parse_byte_size("10mib"), std::size_t{10} << 20);
}

TEST(ByteSize, WhatIsNoneIsRefused) {
  for (const char* text : {"", "x", "-1", "0", "0.5", "MiB", "1 MiBs", "1PB", "1kiBB", "inf", "nan",
                           "1e3", "1,5GB", "99999999999TB"}) {
    EXPECT_FALSE(parse_byte_size(text)) << text;
  }
}

TEST(ByteSize, IsWrittenToThreeDigitsOrSo) {
  EXPECT_EQ(byte_size_text(512), "512 bytes");
  EXPECT_EQ(byte_size_text(1500), "1.5 kB");
  EXPECT_EQ(byte_size_text(12'000'000), "12.0 MB");
  EXPECT_EQ(byte_size_text(999'960'000), "1.0 GB");
}

}  // namespace
}  // namespace headrace::cli
