#include "headrace/formats/image_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "headrace/formats/jpeg.h"
#include "headrace/formats/png_chunks.h"
#include "headrace/pipeline/error.h"
#include "tests/formats/image_fixtures.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::decode;
using fixtures::image_file;
using fixtures::pixels_of;
using fixtures::reference;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::unique_ptr<DecodeSession> new_session() { return make_image_decoder()->session(); }

Bytes bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The error of opening and decoding, or a failure of the test if there is none.
Error error_of(const Bytes& bytes) {
  try {
    decode(*new_session(), bytes, 3);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "decoded without an error";
  return Error(ErrorCode::backend, "");
}

class ImageFixture : public ::testing::TestWithParam<const char*> {};

TEST_P(ImageFixture, DecodesToPillowsPixels) {
  const Image expected = reference(GetParam());
  const auto session = new_session();
  const Bytes bytes = image_file(GetParam());
  EXPECT_EQ(session->open(bytes).shape.size(), expected.shape().size());
  const Image image = decode(*session, bytes, expected.shape().channels);
  EXPECT_EQ(image.shape(), expected.shape());
  EXPECT_EQ(pixels_of(image), pixels_of(expected));
}

INSTANTIATE_TEST_SUITE_P(All, ImageFixture,
                         ::testing::Values("rgb.png", "grey.png", "alpha.png", "grey_alpha.png",
                                           "palette.png", "bilevel.png", "interlaced.png",
                                           "rgb16.png", "grey16.png", "orientation_6.png",
                                           "lossless.webp", "lossy.webp", "alpha.webp", "rgb.bmp",
                                           "grey.bmp", "rgb.ppm", "grey.pgm", "ascii.ppm",
                                           "grey16.pgm", "bits.pbm", "rgb.tiff", "lzw.tiff",
                                           "grey.tiff", "orientation_3.tiff", "orientation_6.tiff",
                                           "rgb16_big_endian.tiff", "420.jpg", "grey.jpg",
                                           "palette_alpha.png", "rgba16.png", "rgb.gif",
                                           "transparent.gif", "large.gif", "small_frame.gif"),
                         [](const auto& test) {
                           std::string name = test.param;
                           name[name.find('.')] = '_';
                           return name;
                         });

TEST(ImageCodec, InfoComesFromTheHeadersAlone) {
  const auto session = new_session();
  EXPECT_EQ(session->open(image_file("rgb.png")).shape, (ImageShape{19, 23, 3}));
  EXPECT_EQ(session->open(image_file("grey16.png")).shape, (ImageShape{19, 23, 1}));
  EXPECT_EQ(session->open(image_file("alpha.png")).shape, (ImageShape{19, 23, 4}));
  EXPECT_EQ(session->open(image_file("grey_alpha.png")).shape, (ImageShape{19, 23, 2}));
  EXPECT_EQ(session->open(image_file("palette.png")).shape, (ImageShape{19, 23, 3}));
  EXPECT_EQ(session->open(image_file("lossless.webp")).shape, (ImageShape{19, 23, 3}));
  EXPECT_EQ(session->open(image_file("lossy.webp")).shape, (ImageShape{19, 23, 3}));
  EXPECT_EQ(session->open(image_file("alpha.webp")).shape, (ImageShape{19, 23, 4}));
  EXPECT_EQ(session->open(image_file("rgb.bmp")).shape, (ImageShape{19, 23, 3}));
  EXPECT_EQ(session->open(image_file("grey.pgm")).shape, (ImageShape{19, 23, 1}));
  EXPECT_EQ(session->open(image_file("rgb16_big_endian.tiff")).shape, (ImageShape{19, 23, 3}));
  EXPECT_EQ(session->open(image_file("ycck.jpg")).shape, (ImageShape{20, 27, 4}));
}

TEST(ImageCodec, OrientationIsReportedForAllKindsThatHaveIt) {
  const auto session = new_session();
  EXPECT_EQ(session->open(image_file("orientation_8.jpg")).orientation, 8);
  EXPECT_EQ(session->open(image_file("orientation_6.png")).orientation, 6);
  EXPECT_EQ(session->open(image_file("alpha.webp")).orientation, 6);
  EXPECT_EQ(session->open(image_file("orientation_3.tiff")).orientation, 3);
  EXPECT_EQ(session->open(image_file("rgb.png")).orientation, 1);
}

TEST(ImageCodec, OneChannelOfAColourImageIsItsLuma) {
  const auto session = new_session();
  for (const char* name : {"rgb.png", "lossless.webp", "alpha.png"}) {
    const Image rgb = reference(name);
    const Image grey = decode(*session, image_file(name), 1);
    for (std::size_t i = 0; i < grey.shape().elements(); ++i) {
      const auto value = [&](std::size_t c) {
        return std::to_integer<int>(rgb.view().data[3 * i + c]);
      };
      const int luma = (19595 * value(0) + 38470 * value(1) + 7471 * value(2) + 32768) >> 16;
      ASSERT_EQ(std::to_integer<int>(grey.view().data[i]), luma) << name << ", pixel " << i;
    }
  }
}

TEST(ImageCodec, IndicesOfAPaletteAreThoseOfItsColours) {
  const auto session = new_session();
  for (const char* name : {"palette.png", "palette_alpha.png"}) {
    const Bytes file = image_file(name);
    const Image colours = decode(*session, file, 3);
    const ImageInfo info = session->open(file);
    ASSERT_TRUE(info.has_indices) << name;
    Image indices;
    session->decode({.region = fixtures::whole(info.shape), .channels = 1, .indices = true},
                    indices);
    ASSERT_EQ(indices.shape(), (ImageShape{19, 23, 1}));
    PngChunks chunks(file);
    auto chunk = chunks.next();
    while (chunk->type != "PLTE") chunk = chunks.next();
    for (std::size_t i = 0; i < indices.shape().elements(); ++i) {
      const auto index = std::to_integer<std::size_t>(indices.view().data[i]);
      ASSERT_LT(3 * index, chunk->data.size()) << name << ", pixel " << i;
      for (std::size_t c = 0; c < 3; ++c) {
        ASSERT_EQ(colours.view().data[3 * i + c], chunk->data[3 * index + c])
            << name << ", pixel " << i;
      }
    }
  }
}

TEST(ImageCodec, IndicesOfAnImageWithoutAPaletteAreRefused) {
  const auto session = new_session();
  for (const char* name : {"rgb.png", "grey.png", "420.jpg", "rgb.gif"}) {
    const Bytes file = image_file(name);
    const ImageInfo info = session->open(file);
    EXPECT_FALSE(info.has_indices) << name;
    Image image;
    try {
      session->decode({.region = fixtures::whole(info.shape), .channels = 1, .indices = true},
                      image);
      FAIL() << name << " gave indices";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("no palette"));
    }
  }
}

TEST(ImageCodec, AlphaIsPutOverABackground) {
  const auto decoder = make_image_decoder({.background = BackgroundColour{10, 200, 30}});
  const auto session = decoder->session();
  for (const char* name : {"alpha.png", "grey_alpha.png", "palette_alpha.png", "rgba16.png",
                           "alpha.webp", "transparent.gif"}) {
    const Image image = decode(*session, image_file(name), 3);
    EXPECT_EQ(pixels_of(image), pixels_of(reference(std::string(name) + ".over"))) << name;
  }
  for (const char* name : {"rgb.png", "rgb.bmp", "rgb.gif", "small_frame.gif", "grey16.png"}) {
    const Image expected = reference(name);
    const Image image = decode(*session, image_file(name), expected.shape().channels);
    EXPECT_EQ(pixels_of(image), pixels_of(expected)) << name;
  }
  EXPECT_NE(decoder->fingerprint(), make_image_decoder()->fingerprint());
}

TEST(ImageCodec, ATiffWithAlphaIsPutOverTheBackgroundOrBlack) {
  const auto decoder = make_image_decoder({.background = BackgroundColour{10, 200, 30}});
  const Image image = decode(*decoder->session(), image_file("alpha.tiff"), 3);
  const Image expected = reference("alpha.tiff.over");
  for (std::size_t i = 0; i < image.shape().elements(); ++i) {
    ASSERT_NEAR(std::to_integer<int>(image.view().data[i]),
                std::to_integer<int>(expected.view().data[i]), 1)
        << i;
  }
  EXPECT_EQ(decode(*new_session(), image_file("alpha.tiff"), 3).view().data[0], std::byte{0});
}

TEST(ImageCodec, AGifSaysWhatIsWrongWithIt) {
  const Bytes sound = image_file("rgb.gif");
  for (std::size_t size = 6; size + 8 < sound.size(); ++size) {
    const Bytes cut(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size));
    const Error error = error_of(cut);
    EXPECT_EQ(error.code(), ErrorCode::corrupt_data) << size;
    EXPECT_THAT(error.what(), StartsWith("GIF ")) << size;
  }
  EXPECT_EQ(decode(*new_session(), image_file("rgb.gif"), 1).shape(), (ImageShape{19, 23, 1}));
  EXPECT_EQ(new_session()->open(image_file("transparent.gif")).shape, (ImageShape{19, 23, 4}));
}

TEST(ImageCodec, GreyBecomesThreeEqualChannels) {
  const Image grey = reference("grey16.png");
  const Image rgb = decode(*new_session(), image_file("grey16.png"), 3);
  for (std::size_t i = 0; i < grey.shape().elements(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      ASSERT_EQ(rgb.view().data[3 * i + c], grey.view().data[i]);
    }
  }
}

TEST(ImageCodec, ARegionOfAnythingButJpegIsTheWholeImage) {
  const auto session = new_session();
  Image image;
  const Bytes png = image_file("rgb.png");
  session->open(png);
  EXPECT_EQ(session->decode({{5, 6, 7, 8}, 3}, image), (Region{0, 0, 19, 23}));
  EXPECT_EQ(pixels_of(image), pixels_of(reference("rgb.png")));
  const Bytes jpeg = image_file("420.jpg");
  session->open(jpeg);
  EXPECT_EQ(session->decode({{5, 6, 7, 8}, 3}, image), (Region{5, 6, 7, 8}));
}

TEST(ImageCodec, WhatIsNoImageIsSaidToBeNone) {
  EXPECT_STREQ(error_of({}).what(), "empty: 0 bytes");
  EXPECT_STREQ(error_of(bytes_of("<!DOCTYPE html>")).what(),
               "not an image: starts with 0x3c 0x21 0x44 0x4f");
  EXPECT_STREQ(error_of(bytes_of("P")).what(), "not an image: starts with 0x50");
  EXPECT_EQ(error_of(bytes_of("<!DOCTYPE html>")).code(), ErrorCode::corrupt_data);
}

TEST(ImageCodec, KindsThatAreNotDecodedAreNamed) {
  EXPECT_THAT(error_of(bytes_of("P5 1 1 100\nx")).what(), StartsWith("PNM"));
  EXPECT_EQ(error_of(bytes_of("P5 1 1 100\nx")).code(), ErrorCode::unsupported);
}

TEST(ImageCodec, TruncatedFilesSaySo) {
  const auto cut = [](const char* name) {
    Bytes bytes = image_file(name);
    bytes.resize(bytes.size() / 2);
    return bytes;
  };
  for (const char* name : {"rgb.png", "lossless.webp", "rgb.bmp", "rgb.ppm", "grey16.pgm"}) {
    const Error error = error_of(cut(name));
    EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
    EXPECT_THAT(error.what(), HasSubstr("ends after")) << name;
  }
  EXPECT_EQ(error_of(cut("ascii.ppm")).code(), ErrorCode::corrupt_data);
  EXPECT_EQ(error_of(cut("rgb.tiff")).code(), ErrorCode::corrupt_data);
  EXPECT_EQ(error_of(cut("lzw.tiff")).code(), ErrorCode::corrupt_data);
}

TEST(ImageCodec, ADamagedPngNamesThePart) {
  Bytes bytes = image_file("rgb.png");
  bytes[bytes.size() / 2] ^= std::byte{1};
  const Error error = error_of(bytes);
  EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
  EXPECT_STREQ(error.what(), "PNG is damaged in the part IDAT at byte 33");
}

TEST(ImageCodec, AbsurdSizesAreRefusedBeforeMemoryIsTaken) {
  const Error error = error_of(bytes_of("P6 100000 100000 255\n"));
  EXPECT_EQ(error.code(), ErrorCode::corrupt_data) << "the data are not there either";
  const auto session = make_image_decoder({19 * 23 - 1})->session();
  for (const char* name : {"rgb.png", "lossy.webp", "rgb.bmp", "grey.pgm", "grey.tiff"}) {
    try {
      session->open(image_file(name));
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::unsupported);
      EXPECT_THAT(e.what(), HasSubstr("19x23 pixels: more than the limit of 436"));
    }
  }
  Bytes png = image_file("rgb.png");
  png[18] = std::byte{0x20};  // 8,192 and more columns
  EXPECT_THAT(error_of(png).what(), HasSubstr("PNG")) << "too little data, or a wrong checksum";
}

// Every kind, cut at every byte and with every byte damaged: an error of one line or pixels of the
// right shape, and the session goes on.
TEST(ImageCodec, DamagedFilesGiveErrorsOrPixels) {
  for (const char* name : {"rgb.png", "palette.png", "lossy.webp", "grey.bmp", "ascii.ppm",
                           "grey.pgm", "lzw.tiff", "orientation_6.tiff"}) {
    const Bytes sound = image_file(name);
    const Image expected = reference(name);
    const auto session = new_session();
    Image image;
    const auto attempt = [&](const Bytes& bytes) {
      try {
        const ImageInfo info = session->open(bytes);
        // Damaged sizes may be large, and still be backed by the data.
        if (info.shape.elements() > 1u << 20) return;
        session->decode({fixtures::whole(info.shape), 3}, image);
        ASSERT_EQ(image.shape(), (ImageShape{info.shape.height, info.shape.width, 3}));
      } catch (const Error& error) {
        ASSERT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      }
    };
    const std::size_t step = 1 + sound.size() / 300;
    for (std::size_t i = 0; i < sound.size(); i += i < 64 ? 1 : step) {
      Bytes bytes = sound;
      bytes[i] ^= std::byte{0xFF};
      attempt(bytes);
      bytes = sound;
      bytes.resize(i);
      attempt(bytes);
    }
    EXPECT_EQ(pixels_of(decode(*session, sound, expected.shape().channels)), pixels_of(expected));
  }
}

TEST(ImageCodec, SessionsOfManyThreadsGiveEqualPixels) {
  const auto decoder = make_image_decoder();
  const std::vector<const char*> names = {"rgb.png", "lossy.webp", "lzw.tiff", "420.jpg"};
  std::vector<int> equal(6);
  std::vector<std::thread> threads;
  for (int& count : equal) {
    threads.emplace_back([&] {
      const auto session = decoder->session();
      for (int i = 0; i < 12; ++i) {
        const char* name = names[static_cast<std::size_t>(i) % names.size()];
        count += pixels_of(decode(*session, image_file(name), 3)) == pixels_of(reference(name));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(equal, ::testing::Each(12));
}

TEST(ImageCodec, AJpegDataSetHasOneFingerprintThroughBothDecoders) {
  EXPECT_EQ(make_image_decoder()->fingerprint(), make_jpeg_decoder()->fingerprint());
}

}  // namespace
}  // namespace headrace
