#include "headrace/formats/exif.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace headrace {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string number(unsigned value, int bytes, bool big_endian) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    const int shift = 8 * (big_endian ? bytes - 1 - i : i);
    text.push_back(static_cast<char>(value >> shift & 255));
  }
  return text;
}

// A TIFF head with one directory of two entries, the second of which is the orientation.
std::string tiff(unsigned orientation, bool big_endian, unsigned type = 3, unsigned count = 1) {
  const auto n = [&](unsigned value, int size) { return number(value, size, big_endian); };
  return (big_endian ? "MM" : "II") + n(42, 2) + n(8, 4) + n(2, 2) +  //
         n(0x0100, 2) + n(3, 2) + n(1, 4) + n(7, 2) + n(0, 2) +       //
         n(0x0112, 2) + n(type, 2) + n(count, 4) + n(orientation, 2) + n(0, 2) + n(0, 4);
}

TEST(Exif, ReadsAllOrientationsInBothByteOrders) {
  for (unsigned value = 1; value <= 8; ++value) {
    EXPECT_EQ(exif_orientation(bytes_of(tiff(value, false))), static_cast<int>(value));
    EXPECT_EQ(exif_orientation(bytes_of(tiff(value, true))), static_cast<int>(value));
    EXPECT_EQ(app1_orientation(bytes_of(std::string("Exif\0\0", 6) + tiff(value, true))),
              static_cast<int>(value));
  }
}

TEST(Exif, WhatIsNoOrientationIsUpright) {
  EXPECT_EQ(exif_orientation(bytes_of(tiff(0, false))), 1);
  EXPECT_EQ(exif_orientation(bytes_of(tiff(9, false))), 1);
  EXPECT_EQ(exif_orientation(bytes_of(tiff(6, false, 2))), 1) << "a text";
  EXPECT_EQ(exif_orientation(bytes_of(tiff(6, false, 3, 2))), 1) << "two values";
  EXPECT_EQ(exif_orientation({}), 1);
  EXPECT_EQ(app1_orientation(bytes_of("http://ns.adobe.com/xap/1.0/")), 1);
  EXPECT_EQ(app1_orientation(bytes_of(tiff(6, false))), 1) << "no Exif header before it";
}

TEST(Exif, AFarDirectoryIsNotFollowed) {
  std::string text = tiff(6, false);
  text[4] = text[5] = text[6] = text[7] = '\xFF';
  EXPECT_EQ(exif_orientation(bytes_of(text)), 1);
}

TEST(Exif, EveryTruncationIsReadWithinItsBounds) {
  const std::string whole = tiff(6, true);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    // An exact allocation, so that reading past its end is seen by a sanitizer.
    const auto part = bytes_of(whole).first(length);
    const std::vector<std::byte> copy(part.begin(), part.end());
    const std::size_t entry_end = 10 + 2 * 12;
    EXPECT_EQ(exif_orientation(copy), length >= entry_end ? 6 : 1) << length << " bytes";
  }
}

}  // namespace
}  // namespace headrace
