#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>

#include "headrace/formats/baseline/region_decoder.h"
#include "headrace/formats/libjpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "headrace/pipeline/sample_plan.h"
#include "tests/formats/jpeg_fixtures.h"

// The decoder for baseline files against libjpeg.
namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::encode_as;
using fixtures::find_marker;
using fixtures::Layout;
using fixtures::photo;

// Headers by libjpeg, pixels by RegionDecoder alone.
class BaselineSession {
 public:
  explicit BaselineSession(const baseline::PixelKernels& kernels = baseline::best_pixel_kernels())
      : decoder_(kernels) {
    info_.err = &errors_.manager;
    jpeg_create_decompress(&info_);
  }
  BaselineSession(const BaselineSession&) = delete;
  BaselineSession& operator=(const BaselineSession&) = delete;
  ~BaselineSession() { jpeg_destroy_decompress(&info_); }

  // False if the file is not for RegionDecoder.
  bool open(const Bytes& bytes) {
    jpeg_abort_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    if (!guarded(errors_, [this] { jpeg_read_header(&info_, TRUE); })) return false;
    frame_ = baseline::frame_of(info_);
    scan_ = std::as_bytes(std::span(info_.src->next_input_byte, info_.src->bytes_in_buffer));
    return frame_.has_value();
  }

  bool decode(const Region& region, int channels, Image& into, int eighths = 8) {
    into.reshape({region.height, region.width, channels});
    return baseline::RegionDecoder::can_decode(*frame_, eighths, channels) &&
           decoder_.decode(*frame_, scan_, {}, region, eighths, into);
  }

 private:
  LibjpegErrors errors_;
  jpeg_decompress_struct info_;
  std::optional<baseline::Frame> frame_;
  std::span<const std::byte> scan_;
  baseline::RegionDecoder decoder_;
};

Image decode_by_libjpeg(const Bytes& bytes, int channels) {
  return fixtures::decode(*make_libjpeg_decoder()->session(), bytes, channels);
}

// -1 if all rows of the part are those of the whole.
int first_different_row(const Image& whole, const Region& region, const Image& part) {
  const int channels = whole.shape().channels;
  for (int y = 0; y < region.height; ++y) {
    const auto* const expected =
        whole.view().row<std::byte>(region.top + y) + region.left * channels;
    const auto* const actual = part.view().row<std::byte>(y);
    if (!std::equal(actual, actual + part.row_bytes(), expected)) return y;
  }
  return -1;
}

Region random_region(int height, int width, std::mt19937& rng) {
  const auto below = [&](int count) {
    return static_cast<int>(rng() % static_cast<unsigned>(count));
  };
  Region region{0, 0, 1 + below(height), 1 + below(width)};
  region.top = below(height - region.height + 1);
  region.left = below(width - region.width + 1);
  return region;
}

std::string describe(const Layout& layout, const Image& image) {
  return std::to_string(layout.horizontal) + "x" + std::to_string(layout.vertical) +
         (layout.grey ? " grey" : "") + " quality " + std::to_string(layout.quality) +
         " restart interval " + std::to_string(layout.restart_interval) + " " +
         std::to_string(image.shape().height) + "x" + std::to_string(image.shape().width);
}

class Baseline : public ::testing::TestWithParam<std::pair<int, int>> {};

TEST_P(Baseline, EveryRegionIsLibjpegsBitForBit) {
  const auto [horizontal, vertical] = GetParam();
  std::mt19937 rng(static_cast<unsigned>(horizontal * 10 + vertical));
  for (const baseline::PixelKernels* const kernels : baseline::available_pixel_kernels()) {
    BaselineSession session(*kernels);
    for (int i = 0; i < 70; ++i) {
      Layout layout{horizontal, vertical};
      layout.restart_interval = i % 3 == 0 ? static_cast<unsigned>(1 + rng() % 9) : 0;
      layout.quality = 1 + static_cast<int>(rng() % 100);
      layout.optimised = rng() % 2 == 0;
      layout.grey = i % 7 == 6;
      const int height = 1 + static_cast<int>(rng() % (i % 10 == 9 ? 200 : 60));
      const int width = 5 + static_cast<int>(rng() % (i % 10 == 9 ? 300 : 70));
      const Image image = photo(height, width);
      const Bytes bytes = encode_as(image, layout);
      ASSERT_TRUE(session.open(bytes)) << describe(layout, image);
      for (const int channels : {1, 3}) {
        const Image whole = decode_by_libjpeg(bytes, channels);
        for (int k = 0; k < 12; ++k) {
          const Region region =
              k == 0 ? Region{0, 0, height, width} : random_region(height, width, rng);
          Image part;
          ASSERT_TRUE(session.decode(region, channels, part)) << describe(layout, image);
          ASSERT_EQ(first_different_row(whole, region, part), -1)
              << kernels->name << ", " << describe(layout, image) << ", channels " << channels
              << ", region (" << region.top << ", " << region.left << ", " << region.height << ", "
              << region.width << ")";
        }
      }
    }
  }
}

// Where libjpeg has no chroma to interpolate; the rest is left to it.
TEST_P(Baseline, EveryRegionAtALowerResolutionIsLibjpegsBitForBit) {
  const auto [horizontal, vertical] = GetParam();
  std::mt19937 rng(static_cast<unsigned>(horizontal * 10 + vertical));
  const auto theirs = make_libjpeg_decoder()->session();
  for (const baseline::PixelKernels* const kernels : baseline::available_pixel_kernels()) {
    BaselineSession session(*kernels);
    for (int i = 0; i < 120; ++i) {
      Layout layout{horizontal, vertical};
      layout.restart_interval = i % 3 == 0 ? static_cast<unsigned>(1 + rng() % 9) : 0;
      layout.quality = 1 + static_cast<int>(rng() % 100);
      layout.grey = i % 7 == 6;
      const ImageSize size{1 + static_cast<int>(rng() % 90), 5 + static_cast<int>(rng() % 120)};
      const Image image = photo(size.height, size.width);
      const Bytes bytes = encode_as(image, layout);
      const int eighths = 1 << i % 3;
      const ImageSize scaled = size_at_eighths(size, eighths);
      ASSERT_TRUE(session.open(bytes)) << describe(layout, image);
      for (const int channels : {1, 3}) {
        Image whole;
        theirs->open(bytes);
        theirs->decode({{0, 0, scaled.height, scaled.width}, channels, eighths}, whole);
        for (int k = 0; k < 6; ++k) {
          const Region region = k == 0 ? Region{0, 0, scaled.height, scaled.width}
                                       : random_region(scaled.height, scaled.width, rng);
          Image part;
          const bool interpolates = channels == 3 && !layout.grey && horizontal != vertical;
          ASSERT_EQ(session.decode(region, channels, part, eighths), !interpolates)
              << describe(layout, image);
          if (interpolates) continue;
          ASSERT_EQ(first_different_row(whole, region, part), -1)
              << kernels->name << ", " << describe(layout, image) << ", " << eighths
              << "/8, channels " << channels << ", region (" << region.top << ", " << region.left
              << ", " << region.height << ", " << region.width << ")";
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllSubsamplings, Baseline,
                         ::testing::Values(std::pair(1, 1), std::pair(2, 1), std::pair(1, 2),
                                           std::pair(2, 2)),
                         [](const auto& test) {
                           return std::to_string(test.param.first) + "x" +
                                  std::to_string(test.param.second);
                         });

TEST(BaselineFile, NoiseOfTheHighestQualityIsExact) {
  std::mt19937 rng(1);
  for (const bool binary : {false, true}) {
    Image image({40, 56, 3});
    for (std::size_t i = 0; i < image.shape().elements(); ++i) {
      const auto level = binary ? (rng() % 2) * 255 : rng() % 256;
      image.data()[i] = static_cast<std::byte>(level);
    }
    const Bytes bytes = encode_as(image, {2, 2, false, 0, false, 100});
    const auto session = fixtures::jpeg_session();
    EXPECT_EQ(fixtures::pixels_of(fixtures::decode(*session, bytes, 3)),
              fixtures::pixels_of(decode_by_libjpeg(bytes, 3)));
  }
}

TEST(BaselineFile, OtherKindsAreLeftToLibjpeg) {
  const Image image = photo(40, 40);
  BaselineSession session;
  EXPECT_FALSE(session.open(encode_as(image, {1, 1, true}))) << "progressive";
  EXPECT_FALSE(session.open(encode_as(image, {1, 1, false, 0, true}))) << "arithmetic";
  EXPECT_FALSE(session.open(encode_as(image, {4, 1}))) << "4:1:1";
  EXPECT_FALSE(session.open(fixtures::image_file("cmyk_adobe.jpg")));
  EXPECT_FALSE(session.open(fixtures::image_file("rgb.jpg")));
  EXPECT_FALSE(session.open(encode_as(photo(5, 4), {2, 2}))) << "chroma that is not interpolated";
  EXPECT_TRUE(session.open(encode_as(image, {2, 2})));
}

// What decoding gives: pixels, or the words of an error.
struct Verdict {
  Bytes pixels;
  std::string error;

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

Verdict judge(DecodeSession& session, const Bytes& bytes, const DecodeRequest& request) {
  try {
    session.open(bytes);
    Image image;
    session.decode(request, image);
    return {fixtures::pixels_of(image), ""};
  } catch (const Error& error) {
    return {{}, error.what()};
  }
}

class BaselineDamage : public ::testing::TestWithParam<std::pair<int, int>> {};

TEST_P(BaselineDamage, IsJudgedAsByLibjpeg) {
  const auto [horizontal, vertical] = GetParam();
  std::mt19937 rng(static_cast<unsigned>(horizontal * 10 + vertical));
  const auto ours = fixtures::jpeg_session();
  const auto theirs = make_libjpeg_decoder()->session();
  int errors = 0;
  for (const unsigned restart_interval : {0u, 3u}) {
    const int height = 75;
    const int width = 90;
    const Bytes sound =
        encode_as(photo(height, width), {horizontal, vertical, false, restart_interval});
    const std::size_t scan = find_marker(sound, 0xDA);
    for (int i = 0; i < 1200; ++i) {
      Bytes bytes = sound;
      const std::size_t at = scan + rng() % (bytes.size() - scan);
      switch (i % 4) {
        case 0: bytes[at] = static_cast<std::byte>(rng()); break;
        case 1: bytes.resize(at); break;
        case 2: bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at)); break;
        default: bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::byte{0xFF});
      }
      const int eighths = i % 3 == 0 ? 1 << rng() % 3 : 8;
      const ImageSize scaled = size_at_eighths({height, width}, eighths);
      const Region region = random_region(scaled.height, scaled.width, rng);
      const int channels = rng() % 2 == 0 ? 1 : 3;
      const Verdict expected = judge(*theirs, bytes, {region, channels, eighths});
      ASSERT_EQ(judge(*ours, bytes, {region, channels, eighths}), expected)
          << "damage " << i << " at " << at << ", channels " << channels << ", " << eighths
          << "/8, region (" << region.top << ", " << region.left << ", " << region.height << ", "
          << region.width << "), libjpeg says \"" << expected.error << "\"";
      errors += !expected.error.empty();
    }
  }
  EXPECT_GT(errors, 300);
}

INSTANTIATE_TEST_SUITE_P(AllSubsamplings, BaselineDamage,
                         ::testing::Values(std::pair(1, 1), std::pair(2, 1), std::pair(1, 2),
                                           std::pair(2, 2)),
                         [](const auto& test) {
                           return std::to_string(test.param.first) + "x" +
                                  std::to_string(test.param.second);
                         });

}  // namespace
}  // namespace headrace
