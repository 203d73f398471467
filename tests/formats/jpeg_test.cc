#include "headrace/formats/jpeg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

// Uses size_t and FILE without declaring them: stays behind the others.
#include <jpeglib.h>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/sample_plan.h"
#include "tests/formats/image_fixtures.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::decode;
using fixtures::image_file;
using fixtures::pixels_of;
using fixtures::reference;
using fixtures::whole;
using ::testing::HasSubstr;

std::unique_ptr<DecodeSession> new_session() { return make_jpeg_decoder()->session(); }

// The error of opening and decoding, or a failure of the test if there is none.
Error error_of(DecodeSession& session, std::span<const std::byte> bytes) {
  try {
    decode(session, bytes, 3);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "decoded without an error";
  return Error(ErrorCode::backend, "");
}

Error error_of(std::span<const std::byte> bytes) { return error_of(*new_session(), bytes); }

// Smooth colour with some noise.
Image photo(int height, int width) {
  Image image({height, width, 3});
  std::mt19937 rng(static_cast<unsigned>(height * 1000 + width));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      auto* const pixel = image.row<std::uint8_t>(y) + 3 * x;
      for (int c = 0; c < 3; ++c) {
        const int wave = (x * (c + 2) * 5 + y * (7 - 2 * c) * 3) % 400;
        const int value = std::abs(wave - 200) + static_cast<int>(rng() % 40);
        pixel[c] = static_cast<std::uint8_t>(std::min(value, 255));
      }
    }
  }
  return image;
}

struct Layout {
  int horizontal = 1;  // sampling factors of the luma
  int vertical = 1;
  bool progressive = false;
  unsigned restart_interval = 0;
  bool arithmetic = false;
};

// libjpeg's encoder with everything that encode_jpeg() leaves at its default.
Bytes encode_as(const Image& image, const Layout& layout) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  const ImageView view = image.view();
  info.image_width = static_cast<JDIMENSION>(view.shape.width);
  info.image_height = static_cast<JDIMENSION>(view.shape.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  info.comp_info[0].h_samp_factor = layout.horizontal;
  info.comp_info[0].v_samp_factor = layout.vertical;
  info.restart_interval = layout.restart_interval;
  info.arith_code = layout.arithmetic;
  if (layout.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < view.shape.height; ++y) {
    auto* row = const_cast<JSAMPLE*>(view.row<JSAMPLE>(y));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  const auto bytes = std::as_bytes(std::span(memory, size));
  Bytes result(bytes.begin(), bytes.end());
  jpeg_destroy_compress(&info);
  std::free(memory);
  return result;
}

std::size_t find(const Bytes& bytes, unsigned char marker) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == std::byte{0xFF} && bytes[i + 1] == std::byte{marker}) return i;
  }
  throw std::runtime_error("no such marker");
}

// Without the segments of that marker.
Bytes without(Bytes bytes, unsigned char marker) {
  const std::size_t scan = find(bytes, 0xDA);
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

class JpegFixture : public ::testing::TestWithParam<const char*> {};

// Bit for bit the pixels of Pillow, whose libjpeg-turbo has the same DCT and upsampling.
TEST_P(JpegFixture, DecodesToPillowsPixels) {
  const Image expected = reference(GetParam());
  const Image image = decode(*new_session(), image_file(GetParam()), expected.shape().channels);
  EXPECT_EQ(image.shape(), expected.shape());
  EXPECT_EQ(pixels_of(image), pixels_of(expected));
}

INSTANTIATE_TEST_SUITE_P(All, JpegFixture,
                         ::testing::Values("444.jpg", "422.jpg", "420.jpg", "440.jpg", "411.jpg",
                                           "progressive.jpg", "restart.jpg", "rgb.jpg", "grey.jpg",
                                           "one_pixel.jpg", "cmyk_adobe.jpg", "cmyk_plain.jpg",
                                           "ycck.jpg"),
                         [](const auto& test) {
                           std::string name = test.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(Jpeg, OneSessionReadsAllKindsInTurn) {
  const auto session = new_session();
  for (int round = 0; round < 2; ++round) {
    for (const char* name :
         {"420.jpg", "grey.jpg", "progressive.jpg", "cmyk_adobe.jpg", "rgb.jpg"}) {
      const Image expected = reference(name);
      const Image image = decode(*session, image_file(name), expected.shape().channels);
      EXPECT_EQ(pixels_of(image), pixels_of(expected)) << name;
    }
  }
}

TEST(Jpeg, GreyBecomesThreeEqualChannels) {
  const Image grey = decode(*new_session(), image_file("grey.jpg"), 1);
  const Image rgb = decode(*new_session(), image_file("grey.jpg"), 3);
  for (std::size_t i = 0; i < grey.shape().elements(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      ASSERT_EQ(rgb.view().data[3 * i + c], grey.view().data[i]);
    }
  }
}

TEST(Jpeg, OneChannelOfYcbcrIsItsLuma) {
  Image rgb = decode(*new_session(), image_file("444.jpg"), 3);
  const Image grey = decode(*new_session(), image_file("444.jpg"), 1);
  // Y is what the RGB pixels were made from: their luma is off by their rounding, and by clipping.
  int far = 0;
  for (std::size_t i = 0; i < grey.shape().elements(); ++i) {
    const auto value = [&](std::size_t c) {
      return std::to_integer<int>(rgb.view().data[3 * i + c]);
    };
    const int luma = (19595 * value(0) + 38470 * value(1) + 7471 * value(2) + 32768) >> 16;
    const bool clipped = std::min({value(0), value(1), value(2)}) == 0 ||
                         std::max({value(0), value(1), value(2)}) == 255;
    if (!clipped && std::abs(luma - std::to_integer<int>(grey.view().data[i])) > 1) ++far;
  }
  EXPECT_EQ(far, 0);
}

TEST(Jpeg, OneChannelOfRgbAndCmykIsTheLumaOfItsPixels) {
  for (const char* name : {"rgb.jpg", "cmyk_adobe.jpg"}) {
    const Image rgb = decode(*new_session(), image_file(name), 3);
    const Image grey = decode(*new_session(), image_file(name), 1);
    for (std::size_t i = 0; i < grey.shape().elements(); ++i) {
      const auto value = [&](std::size_t c) {
        return std::to_integer<int>(rgb.view().data[3 * i + c]);
      };
      const int luma = (19595 * value(0) + 38470 * value(1) + 7471 * value(2) + 32768) >> 16;
      ASSERT_EQ(std::to_integer<int>(grey.view().data[i]), luma) << name << ", pixel " << i;
    }
  }
}

TEST(Jpeg, InfoSaysShapeAndOrientation) {
  const auto session = new_session();
  EXPECT_EQ(session->open(image_file("420.jpg")).shape, (ImageShape{37, 53, 3}));
  EXPECT_EQ(session->open(image_file("grey.jpg")).shape, (ImageShape{28, 28, 1}));
  EXPECT_EQ(session->open(image_file("ycck.jpg")).shape, (ImageShape{20, 27, 4}));
  for (int value = 1; value <= 8; ++value) {
    const Bytes bytes = image_file("orientation_" + std::to_string(value) + ".jpg");
    const ImageInfo info = session->open(bytes);
    EXPECT_EQ(info.orientation, value);
    EXPECT_EQ(info.shape, (ImageShape{9, 14, 3})) << "as stored";
  }
  EXPECT_EQ(session->open(image_file("grey.jpg")).orientation, 1) << "not that of the last image";
}

// Every region of every layout equals the same part of the whole image.
void expect_regions_exact(const Layout& layout, int height, int width, int tries,
                          std::mt19937& rng) {
  const Bytes bytes = encode_as(photo(height, width), layout);
  const auto session = new_session();
  for (const int channels : {1, 3}) {
    const Image full = decode(*session, bytes, channels);
    for (int i = 0; i < tries; ++i) {
      const auto below = [&](int count) {
        return static_cast<int>(rng() % static_cast<unsigned>(count));
      };
      Region region;
      region.height = 1 + below(height);
      region.width = 1 + below(width);
      region.top = below(height - region.height + 1);
      region.left = below(width - region.width + 1);
      session->open(bytes);
      Image part;
      ASSERT_EQ(session->decode({region, channels}, part), region);
      const std::size_t row_bytes = part.row_bytes();
      for (int y = 0; y < region.height; ++y) {
        const auto* expected = full.view().row<std::byte>(region.top + y) + region.left * channels;
        const auto* actual = part.view().row<std::byte>(y);
        ASSERT_TRUE(std::equal(actual, actual + row_bytes, expected))
            << layout.horizontal << "x" << layout.vertical
            << (layout.progressive ? " progressive" : "") << ", restart " << layout.restart_interval
            << ", image " << height << "x" << width << ", channels " << channels << ", region ("
            << region.top << ", " << region.left << ", " << region.height << ", " << region.width
            << "), row " << y;
      }
    }
  }
}

class JpegRegion : public ::testing::TestWithParam<std::pair<int, int>> {};

TEST_P(JpegRegion, EqualsThatPartOfTheWholeImage) {
  const auto [horizontal, vertical] = GetParam();
  std::mt19937 rng(static_cast<unsigned>(horizontal * 10 + vertical));

  for (const int height : {1, 2, 7, 16, 33, 70}) {
    for (const int width : {1, 3, 8, 17, 34, 49, 131}) {
      for (const bool progressive : {false, true}) {
        const Layout layout{horizontal, vertical, progressive, progressive ? 0u : 3u};
        expect_regions_exact(layout, height, width, 12, rng);
        if (HasFatalFailure()) return;
      }
    }
  }
  expect_regions_exact({horizontal, vertical}, 150, 200, 100, rng);
}

INSTANTIATE_TEST_SUITE_P(AllSubsamplings, JpegRegion,
                         ::testing::Values(std::pair(1, 1), std::pair(2, 1), std::pair(1, 2),
                                           std::pair(2, 2), std::pair(4, 1), std::pair(1, 4),
                                           std::pair(4, 2), std::pair(3, 1)),
                         [](const auto& test) {
                           return std::to_string(test.param.first) + "x" +
                                  std::to_string(test.param.second);
                         });

std::unique_ptr<DecodeSession> fast_session() {
  return make_jpeg_decoder({.fast_scale = true})->session();
}

TEST_P(JpegRegion, EqualsThatPartOfTheWholeImageAtALowerResolution) {
  const auto [horizontal, vertical] = GetParam();
  std::mt19937 rng(static_cast<unsigned>(horizontal * 10 + vertical));
  for (const ImageSize size : {ImageSize{150, 200}, ImageSize{64, 129}, ImageSize{33, 17}}) {
    const Bytes bytes = encode_as(photo(size.height, size.width), {horizontal, vertical});
    const auto session = fast_session();
    for (int i = 0; i < 240; ++i) {
      const int eighths = 1 << i % 3;
      const int channels = i % 2 == 0 ? 3 : 1;
      const ImageSize scaled = size_at_eighths(size, eighths);
      session->open(bytes);
      Image full;
      session->decode({{0, 0, scaled.height, scaled.width}, channels, eighths}, full);
      const auto below = [&](int count) {
        return static_cast<int>(rng() % static_cast<unsigned>(count));
      };
      Region region{0, 0, 1 + below(scaled.height), 1 + below(scaled.width)};
      region.top = below(scaled.height - region.height + 1);
      region.left = below(scaled.width - region.width + 1);
      Image part;
      ASSERT_EQ(session->decode({region, channels, eighths}, part), region);
      for (int y = 0; y < region.height; ++y) {
        const auto* expected = full.view().row<std::byte>(region.top + y) + region.left * channels;
        const auto* actual = part.view().row<std::byte>(y);
        ASSERT_TRUE(std::equal(actual, actual + part.row_bytes(), expected))
            << eighths << "/8 of " << size.height << "x" << size.width << ", " << channels
            << " channels, region (" << region.top << ", " << region.left << ", " << region.height
            << ", " << region.width << "), row " << y;
      }
    }
  }
}

// Three levels a pixel: what lay half a pixel aside would be off by more than what is allowed.
TEST_P(JpegRegion, IsNotMovedByALowerResolution) {
  const auto [horizontal, vertical] = GetParam();
  Image image({96, 160, 3});
  for (int y = 0; y < 96; ++y) {
    for (int x = 0; x < 160; ++x) {
      const int level = 3 * std::abs((x + y) % 160 - 80);
      std::fill_n(image.row<std::uint8_t>(y) + 3 * x, 3, static_cast<std::uint8_t>(level));
    }
  }
  const Bytes bytes = encode_as(image, {horizontal, vertical});
  const auto session = fast_session();
  const Image full = decode(*session, bytes, 3);
  for (const int eighths : {1, 2, 4}) {
    const int factor = 8 / eighths;
    Image scaled;
    session->decode({{0, 0, 96 / factor, 160 / factor}, 3, eighths}, scaled);
    double difference = 0;
    for (int y = 0; y < 96 / factor; ++y) {
      for (int x = 0; x < 160 / factor; ++x) {
        double mean = 0;
        for (int i = 0; i < factor * factor; ++i) {
          mean +=
              full.view().row<std::uint8_t>(y * factor + i / factor)[3 * (x * factor + i % factor)];
        }
        mean /= factor * factor;
        const double level = scaled.view().row<std::uint8_t>(y)[3 * x];
        EXPECT_NEAR(level, mean, 6) << eighths << ", row " << y << ", column " << x;
        difference += std::abs(level - mean);
      }
    }
    EXPECT_LT(difference * factor * factor / (96 * 160), 1) << eighths;
  }
}

TEST(Jpeg, IsDecodedAtALowerResolutionOnlyWhenThatWasAllowed) {
  const Bytes bytes = image_file("420.jpg");
  const auto exact = new_session();
  const auto fast = fast_session();
  exact->open(bytes);
  fast->open(bytes);
  EXPECT_EQ(exact->least_eighths(100), 8);
  EXPECT_EQ(fast->least_eighths(1), 8);
  EXPECT_EQ(fast->least_eighths(1.99), 8);
  EXPECT_EQ(fast->least_eighths(2), 4);
  EXPECT_EQ(fast->least_eighths(3.9), 4);
  EXPECT_EQ(fast->least_eighths(4), 2);
  EXPECT_EQ(fast->least_eighths(8), 1);
  EXPECT_EQ(fast->least_eighths(100), 1);
  EXPECT_EQ(decode(*fast, bytes, 3).shape(), (ImageShape{37, 53, 3}));
  EXPECT_NE(make_jpeg_decoder()->fingerprint(),
            make_jpeg_decoder({.fast_scale = true})->fingerprint());
}

TEST(Jpeg, RegionsOfCmykAreExact) {
  const Bytes bytes = image_file("cmyk_adobe.jpg");
  const auto session = new_session();
  const Image full = decode(*session, bytes, 3);
  Image part;
  const Region region{5, 19, 7, 6};
  session->decode({region, 3}, part);
  for (int y = 0; y < region.height; ++y) {
    const auto* expected = full.view().row<std::byte>(region.top + y) + region.left * 3;
    EXPECT_TRUE(std::equal(expected, expected + part.row_bytes(), part.view().row<std::byte>(y)));
  }
}

TEST(Jpeg, AnOpenImageDecodesAsOftenAsAsked) {
  const Bytes bytes = image_file("420.jpg");
  const auto session = new_session();
  session->open(bytes);
  Image first;
  Image second;
  session->decode({{10, 10, 5, 5}, 3}, first);
  session->decode({{0, 0, 37, 53}, 3}, second);
  EXPECT_EQ(pixels_of(second), pixels_of(reference("420.jpg")));
  session->decode({{10, 10, 5, 5}, 3}, second);
  EXPECT_EQ(pixels_of(second), pixels_of(first));
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
    const auto session = new_session();
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
    const Image expected = decode(*new_session(), sound, 3);
    const auto session = new_session();
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
  const auto session = new_session();
  decode(*session, other, 3);
  EXPECT_THAT(error_of(*session, no_quantization).what(), HasSubstr("Quantization table"));
  // Motion JPEG leaves out the standard's tables, which is what this file was made with.
  decode(*session, other, 3);
  EXPECT_EQ(pixels_of(decode(*session, no_huffman, 3)), pixels_of(decode(*session, sound, 3)));
}

TEST(Jpeg, AbsurdSizesAreRefusedBeforeMemoryIsTaken) {
  Bytes bytes = image_file("grey.jpg");
  const std::size_t frame = find(bytes, 0xC0);
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
  const std::size_t frame = find(sound, 0xC0);
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
  const std::size_t scan = find(sound, 0xDA);
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

TEST(Jpeg, WrongRequestsAreTheCallersFault) {
  const Bytes bytes = image_file("grey.jpg");
  const auto session = new_session();
  Image image;
  const auto code_of = [&](const DecodeRequest& request) {
    try {
      session->decode(request, image);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::backend;
  };
  EXPECT_EQ(code_of({{0, 0, 28, 28}, 1}), ErrorCode::invalid_argument) << "nothing is open";
  session->open(bytes);
  EXPECT_EQ(code_of({{0, 0, 28, 28}, 2}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({{0, 0, 29, 28}, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({{-1, 0, 5, 5}, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({{0, 25, 5, 5}, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({{0, 1, 5, 2147483647}, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({{0, 0, 0, 5}, 1}), ErrorCode::invalid_argument);
  EXPECT_EQ(session->decode({{0, 0, 28, 28}, 1}, image), (Region{0, 0, 28, 28}));
  EXPECT_THROW(session->open(Bytes(5)), Error);
  EXPECT_EQ(code_of({{0, 0, 28, 28}, 1}), ErrorCode::invalid_argument) << "open() failed";
}

TEST(Jpeg, SessionsOfManyThreadsGiveEqualPixels) {
  const auto decoder = make_jpeg_decoder();
  const Bytes bytes = image_file("420.jpg");
  const auto expected = pixels_of(reference("420.jpg"));
  std::vector<int> equal(8);
  std::vector<std::thread> threads;
  for (int& count : equal) {
    threads.emplace_back([&] {
      const auto session = decoder->session();
      for (int i = 0; i < 25; ++i) count += pixels_of(decode(*session, bytes, 3)) == expected;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(equal, ::testing::Each(25));
}

double mean_error(const Image& a, const Image& b) {
  const std::size_t count = a.shape().elements();
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum +=
        std::abs(std::to_integer<int>(a.view().data[i]) - std::to_integer<int>(b.view().data[i]));
  }
  return sum / static_cast<double>(count);
}

TEST(JpegEncoder, WhatItWritesIsReadBackAlmostTheSame) {
  const Image colour = reference("444.jpg");  // smooth enough for subsampled chroma
  Bytes bytes;
  std::vector<double> errors;
  for (const int quality : {50, 90, 100}) {
    encode_jpeg(colour.view(), quality, bytes);
    const Image image = decode(*new_session(), bytes, 3);
    ASSERT_EQ(image.shape(), colour.shape());
    errors.push_back(mean_error(image, colour));
  }
  EXPECT_LT(errors[0], 10);
  EXPECT_LT(errors[1], errors[0]);
  EXPECT_LT(errors[2], 1);
  const Image grey = reference("grey.jpg");
  encode_jpeg(grey.view(), 95, bytes);
  const Image image = decode(*new_session(), bytes, 1);
  ASSERT_EQ(image.shape(), grey.shape());
  EXPECT_LT(mean_error(image, grey), 2);
}

TEST(JpegEncoder, ChromaIsSubsampledUpToQuality90) {
  const Image colour = reference("444.jpg");
  const auto luma_sampling = [&](int quality) {
    Bytes bytes;
    encode_jpeg(colour.view(), quality, bytes);
    return std::to_integer<int>(bytes[find(bytes, 0xC0) + 11]);
  };
  EXPECT_EQ(luma_sampling(90), 0x22);
  EXPECT_EQ(luma_sampling(91), 0x11);
}

TEST(JpegEncoder, ReadsRowsThatAreFarApartAndGrowsTheVector) {
  const Image big = photo(120, 200);
  const ImageView left{big.view().data, {120, 80, 3}, big.row_bytes()};
  Image copy({120, 80, 3});
  for (int y = 0; y < 120; ++y) {
    const auto* row = left.row<std::byte>(y);
    std::copy(row, row + copy.row_bytes(), copy.row<std::byte>(y));
  }
  Bytes strided;
  Bytes tight(3, std::byte{1});  // what is there is replaced
  encode_jpeg(left, 100, strided);
  encode_jpeg(copy.view(), 100, tight);
  EXPECT_GT(strided.size(), 4096u) << "more than one piece";
  EXPECT_EQ(strided, tight);
}

TEST(JpegEncoder, RefusesWhatItCannotEncode) {
  Bytes bytes;
  const Image grey({4, 4, 1});
  EXPECT_THROW(encode_jpeg(grey.view(), 0, bytes), Error);
  EXPECT_THROW(encode_jpeg(grey.view(), 101, bytes), Error);
  EXPECT_THROW(encode_jpeg(Image({4, 4, 2}).view(), 90, bytes), Error);
  EXPECT_THROW(encode_jpeg(Image({0, 4, 1}).view(), 90, bytes), Error);
  EXPECT_THROW(encode_jpeg(Image({4, 4, 1}, ElementType::f32).view(), 90, bytes), Error);
  EXPECT_THROW(encode_jpeg(Image({1, 70000, 1}).view(), 90, bytes), Error);
}

}  // namespace
}  // namespace headrace
