#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <utility>

#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/sample_plan.h"
#include "tests/formats/jpeg_fixtures.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::decode;
using fixtures::encode_as;
using fixtures::image_file;
using fixtures::jpeg_session;
using fixtures::Layout;
using fixtures::photo;

// Every region of every layout equals the same part of the whole image.
void expect_regions_exact(const Layout& layout, int height, int width, int tries,
                          std::mt19937& rng) {
  const Bytes bytes = encode_as(photo(height, width), layout);
  const auto session = jpeg_session();
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
  const auto exact = jpeg_session();
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
  const auto session = jpeg_session();
  const Image full = decode(*session, bytes, 3);
  Image part;
  const Region region{5, 19, 7, 6};
  session->decode({region, 3}, part);
  for (int y = 0; y < region.height; ++y) {
    const auto* expected = full.view().row<std::byte>(region.top + y) + region.left * 3;
    EXPECT_TRUE(std::equal(expected, expected + part.row_bytes(), part.view().row<std::byte>(y)));
  }
}

}  // namespace
}  // namespace headrace
