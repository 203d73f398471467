#include "headrace/formats/seek_hint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "headrace/formats/image_codec.h"
#include "headrace/formats/seek_index.h"
#include "tests/formats/jpeg_fixtures.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::encode_as;
using fixtures::photo;

Bytes hint_of(const Bytes& file) {
  SeekPointMaker maker;
  Bytes hint;
  EXPECT_TRUE(make_seek_hint(file, maker, hint));
  return hint;
}

Bytes decode(const Bytes& file, const Bytes& hint, const Region& region) {
  const auto session = make_image_decoder()->session();
  session->open_with_hint(file, hint);
  Image image;
  EXPECT_EQ(session->decode({region, 3}, image), region);
  return {image.data(), image.data() + image.shape().elements()};
}

TEST(SeekHint, RegionsAreTheSameWithAHint) {
  const Bytes file = encode_as(photo(130, 170), {2, 2, false, 0});
  const Bytes hint = hint_of(file);
  for (const Region region :
       {Region{100, 120, 20, 30}, Region{0, 0, 130, 170}, Region{64, 3, 9, 9}})
    EXPECT_EQ(decode(file, hint, region), decode(file, {}, region));
}

TEST(SeekHint, WhatLiesBeforeTheRegionIsNotReadWithAHint) {
  Bytes file = encode_as(photo(256, 256), {2, 2, false, 0});
  const Bytes hint = hint_of(file);
  const Region region{240, 240, 16, 16};
  const Bytes expected = decode(file, {}, region);
  for (std::size_t i = file.size() / 3; i < file.size() / 2; ++i) {
    const bool stuffed = file[i] == std::byte{0xFF} || file[i - 1] == std::byte{0xFF};
    if (!stuffed) file[i] = std::byte{0x5A};  // as many bits as there were
  }
  EXPECT_EQ(decode(file, hint, region), expected);
}

TEST(SeekHint, AHintOfAnotherImageIsPassedOver) {
  const Bytes file = encode_as(photo(130, 170), {2, 2, false, 0});
  const Bytes other = encode_as(photo(170, 130), {2, 2, false, 0});
  const Region region{100, 120, 20, 30};
  EXPECT_TRUE(points_of_hint(hint_of(other), file).empty());
  EXPECT_EQ(decode(file, hint_of(other), region), decode(file, {}, region));
  EXPECT_EQ(decode(file, {std::byte{1}}, region), decode(file, {}, region));
}

TEST(SeekHint, WhatIsNoBaselineJpegHasNone) {
  SeekPointMaker maker;
  Bytes hint{std::byte{1}};
  EXPECT_FALSE(make_seek_hint({}, maker, hint));
  EXPECT_FALSE(make_seek_hint(Bytes(100, std::byte{0xFF}), maker, hint));
  Bytes cut = encode_as(photo(130, 170), {2, 2, false, 0});
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(make_seek_hint(cut, maker, hint));
  EXPECT_TRUE(hint.empty());
}

}  // namespace
}  // namespace headrace
