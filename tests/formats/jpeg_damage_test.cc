#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/error.h"
#include "tests/formats/jpeg_fixtures.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::decode;
using fixtures::encode_as;
using fixtures::error_of;
using fixtures::find_marker;
using fixtures::image_file;
using fixtures::jpeg_session;
using fixtures::photo;
using fixtures::pixels_of;
using fixtures::reference;
using ::testing::HasSubstr;

Error error_of(std::span<const std::byte> bytes) {
  return fixtures::error_of(*jpeg_session(), bytes);
}

// Without the segments of that marker.
Bytes without(Bytes bytes, unsigned char marker) {
  const std::size_t scan = find_marker(bytes, 0xDA);
  for (std::size_t at = 2; at < bytes.size() && at < scan;) {
    const auto size = std::to_integer<std::size_t>(bytes[at + 2]) * 256 +
                      std::to_integer<std::size_t>(bytes[at + 3]) + 2;
    const bool matches = bytes[at + 1] == std::byte{marker};
    if (bytes[at + 1] == std::byte{0xDA}) break;
    if (matches) {
      const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      bytes.erase(first, first + static_cast<std::ptrdiff_t>(size));
    } else {
      at += size;
    }
  }
  return bytes;
}

TEST(Jpeg, WhatIsNoJpegIsSaidToBeNone) {
  EXPECT_STREQ(error_of(Bytes()).what(), "empty: 0 bytes");
  const Bytes png = image_file("rgb.png");
  EXPECT_STREQ(error_of(png).what(), "not a JPEG: starts with 0x89 0x50");
  EXPECT_EQ(error_of(png).code(), ErrorCode::corrupt_data);
  EXPECT_STREQ(error_of(Bytes(1, std::byte{0xFF})).what(), "not a JPEG: starts with 0xff");
}

TEST(Jpeg, ATruncatedFileSaysHowFarItReaches) {
  Bytes bytes = image_file("grey.jpg");
  bytes.resize(bytes.size() - bytes.size() / 5);
  const Error error = error_of(bytes);
  EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
  EXPECT_THAT(error.what(),
              ::testing::MatchesRegex("JPEG ends after [0-9]+ bytes, after [0-9]+ of 28 rows"));
  bytes.resize(100);
  EXPECT_STREQ(error_of(bytes).what(), "JPEG ends after 100 bytes, in its headers");
}

// Either the whole image, or an error: never part of one, never a crash.
TEST(Jpeg, EveryTruncationGivesAnErrorOrAllPixels) {
  for (const char* name : {"grey.jpg", "420.jpg", "progressive.jpg", "restart.jpg"}) {
    const Bytes whole_file = image_file(name);
    const auto expected = pixels_of(reference(name));
    const int channels = reference(name).shape().channels;
    const auto session = jpeg_session();
    std::size_t complete = 0;
    for (std::size_t length = 0; length < whole_file.size(); ++length) {
      const Bytes part(whole_file.begin(),
                       whole_file.begin() + static_cast<std::ptrdiff_t>(length));
      try {
        const Image image = decode(*session, part, channels);
        ASSERT_EQ(pixels_of(image), expected) << name << ", " << length << " bytes";
        ++complete;
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ErrorCode::corrupt_data) << error.what();
        ASSERT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      }
    }
    EXPECT_LE(complete, 4u) << name << ": only the end marker may lack";
    EXPECT_EQ(pixels_of(decode(*session, whole_file, channels)), expected)
        << "goes on after errors";
  }
}

TEST(Jpeg, EveryDamagedByteGivesAnErrorOrPixels) {
  for (const char* name : {"grey.jpg", "411.jpg", "progressive.jpg", "orientation_6.jpg"}) {
    const Bytes sound = image_file(name);
    const Image expected = decode(*jpeg_session(), sound, 3);
    const auto session = jpeg_session();
    std::size_t errors = 0;
    for (std::size_t i = 0; i < sound.size(); ++i) {
      for (const unsigned flip : {0xFFu, 1u << (i % 8)}) {
        Bytes bytes = sound;
        bytes[i] ^= static_cast<std::byte>(flip);
        try {
          decode(*session, bytes, 3);
        } catch (const Error&) {
          ++errors;
        }
      }
    }
    EXPECT_GT(errors, sound.size() / 10) << name;
    EXPECT_EQ(pixels_of(decode(*session, sound, 3)), pixels_of(expected)) << name;
  }
}

TEST(Jpeg, TablesOfOneImageDoNotReachTheNext) {
  const Bytes sound = encode_as(photo(30, 30), {});
  const Bytes other = encode_as(photo(30, 30), {1, 1, true});  // with Huffman tables of its own
  const Bytes no_quantization = without(sound, 0xDB);
  const Bytes no_huffman = without(sound, 0xC4);
  const auto session = jpeg_session();
  decode(*session, other, 3);
  EXPECT_THAT(error_of(*session, no_quantization).what(), HasSubstr("Quantization table"));
  // Motion JPEG leaves out the standard's tables, which is what this file was made with.
  decode(*session, other, 3);
  EXPECT_EQ(pixels_of(decode(*session, no_huffman, 3)), pixels_of(decode(*session, sound, 3)));
}

TEST(Jpeg, AbsurdSizesAreRefusedBeforeMemoryIsTaken) {
  Bytes bytes = image_file("grey.jpg");
  const std::size_t frame = find_marker(bytes, 0xC0);
  for (std::size_t i = 5; i < 9; ++i) bytes[frame + i] = std::byte{0xF0};
  Error error = error_of(bytes);
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_STREQ(error.what(), "JPEG of 61680x61680 pixels: more than the limit of 268435456");

  for (std::size_t i = 5; i < 9; ++i) bytes[frame + i] = std::byte{0x20};
  error = error_of(bytes);
  EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
  EXPECT_THAT(error.what(), HasSubstr("cannot hold 8224x8224 pixels"));

  const auto session = make_jpeg_decoder({28 * 28 - 1})->session();
  EXPECT_EQ(error_of(*session, image_file("grey.jpg")).code(), ErrorCode::unsupported);
}

TEST(Jpeg, KindsThatAreNotDecodedAreNamed) {
  const Bytes sound = image_file("grey.jpg");
  const std::size_t frame = find_marker(sound, 0xC0);
  Bytes deep = sound;
  deep[frame + 4] = std::byte{12};
  EXPECT_EQ(error_of(deep).code(), ErrorCode::unsupported);
  EXPECT_THAT(error_of(deep).what(), HasSubstr("more than 8 bits"));
  Bytes lossless = sound;
  lossless[frame + 1] = std::byte{0xC3};
  EXPECT_EQ(error_of(lossless).code(), ErrorCode::unsupported);
  EXPECT_THAT(error_of(lossless).what(), HasSubstr("lossless"));
  const Bytes arithmetic = encode_as(photo(9, 9), {1, 1, false, 0, true});
  EXPECT_EQ(error_of(arithmetic).code(), ErrorCode::unsupported);
  EXPECT_THAT(error_of(arithmetic).what(), HasSubstr("arithmetic-coded"));
}

TEST(Jpeg, AFileOfEndlessScansIsStopped) {
  const Bytes sound = image_file("progressive.jpg");
  const std::size_t scan = find_marker(sound, 0xDA);
  const std::size_t next = [&] {
    for (std::size_t i = scan + 2;; ++i) {
      const bool marker = sound[i] == std::byte{0xFF} && sound[i + 1] != std::byte{0} &&
                          (sound[i + 1] < std::byte{0xD0} || sound[i + 1] > std::byte{0xD7});
      if (marker) return i;
    }
  }();
  Bytes bytes(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(scan));
  for (int i = 0; i < 2000; ++i) {
    bytes.insert(bytes.end(), sound.begin() + static_cast<std::ptrdiff_t>(scan),
                 sound.begin() + static_cast<std::ptrdiff_t>(next));
  }
  bytes.insert(bytes.end(), {std::byte{0xFF}, std::byte{0xD9}});
  EXPECT_EQ(error_of(bytes).code(), ErrorCode::corrupt_data);
}

}  // namespace
}  // namespace headrace
