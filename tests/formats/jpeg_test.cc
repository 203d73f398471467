#include "headrace/formats/jpeg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "headrace/pipeline/error.h"
#include "tests/formats/jpeg_fixtures.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::decode;
using fixtures::image_file;
using fixtures::jpeg_session;
using fixtures::pixels_of;
using fixtures::reference;

class JpegFixture : public ::testing::TestWithParam<const char*> {};

// Bit for bit the pixels of Pillow, whose libjpeg-turbo has the same DCT and upsampling.
TEST_P(JpegFixture, DecodesToPillowsPixels) {
  const Image expected = reference(GetParam());
  const Image image = decode(*jpeg_session(), image_file(GetParam()), expected.shape().channels);
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
  const auto session = jpeg_session();
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
  const Image grey = decode(*jpeg_session(), image_file("grey.jpg"), 1);
  const Image rgb = decode(*jpeg_session(), image_file("grey.jpg"), 3);
  for (std::size_t i = 0; i < grey.shape().elements(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      ASSERT_EQ(rgb.view().data[3 * i + c], grey.view().data[i]);
    }
  }
}

TEST(Jpeg, OneChannelOfYcbcrIsItsLuma) {
  Image rgb = decode(*jpeg_session(), image_file("444.jpg"), 3);
  const Image grey = decode(*jpeg_session(), image_file("444.jpg"), 1);
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
    const Image rgb = decode(*jpeg_session(), image_file(name), 3);
    const Image grey = decode(*jpeg_session(), image_file(name), 1);
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
  const auto session = jpeg_session();
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
TEST(Jpeg, AnOpenImageDecodesAsOftenAsAsked) {
  const Bytes bytes = image_file("420.jpg");
  const auto session = jpeg_session();
  session->open(bytes);
  Image first;
  Image second;
  session->decode({{10, 10, 5, 5}, 3}, first);
  session->decode({{0, 0, 37, 53}, 3}, second);
  EXPECT_EQ(pixels_of(second), pixels_of(reference("420.jpg")));
  session->decode({{10, 10, 5, 5}, 3}, second);
  EXPECT_EQ(pixels_of(second), pixels_of(first));
}

TEST(Jpeg, WrongRequestsAreTheCallersFault) {
  const Bytes bytes = image_file("grey.jpg");
  const auto session = jpeg_session();
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

}  // namespace
}  // namespace headrace
