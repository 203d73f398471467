#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "headrace/formats/image_codec.h"
#include "headrace/formats/jpeg.h"
#include "headrace/formats/libjpeg.h"
#include "headrace/pipeline/colour_planes.h"
#include "tests/formats/jpeg_fixtures.h"

// Files decoded to the planes that they store (DecodeOptions::fast_chroma).
namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::encode_as;
using fixtures::Layout;
using fixtures::photo;

std::unique_ptr<DecodeSession> planes_session() {
  return make_jpeg_decoder({.fast_chroma = true})->session();
}

// The samples of a component, as libjpeg decodes them: rows of whole blocks.
struct Samples {
  std::size_t row_bytes = 0;
  std::vector<JSAMPLE> levels;
};

std::array<Samples, 3> samples_by_libjpeg(const Bytes& bytes) {
  jpeg_decompress_struct info;
  LibjpegErrors errors;
  info.err = &errors.manager;
  std::array<Samples, 3> result;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.raw_data_out = TRUE;
  jpeg_start_decompress(&info);
  std::array<std::array<JSAMPROW, 16>, 3> rows{};
  std::array<JSAMPARRAY, 3> planes = {rows[0].data(), rows[1].data(), rows[2].data()};
  while (info.output_scanline < info.output_height) {
    for (std::size_t c = 0; c < 3; ++c) {
      const jpeg_component_info& component = info.comp_info[c];
      Samples& samples = result[c];
      samples.row_bytes = std::size_t{component.width_in_blocks} * 8 + 16;
      const auto count = static_cast<std::size_t>(component.v_samp_factor) * 8;
      const std::size_t done = samples.levels.size();
      samples.levels.reserve(1 << 22);  // rows stay where they are
      samples.levels.resize(done + count * samples.row_bytes);
      for (std::size_t y = 0; y < count; ++y) {
        rows[c][y] = samples.levels.data() + done + y * samples.row_bytes;
      }
    }
    jpeg_read_raw_data(&info, planes.data(), static_cast<JDIMENSION>(info.max_v_samp_factor) * 8);
  }
  jpeg_destroy_decompress(&info);
  return result;
}

class JpegPlanes : public ::testing::TestWithParam<std::pair<int, int>> {};

TEST_P(JpegPlanes, AreWhatTheFileStores) {
  const auto [horizontal, vertical] = GetParam();
  std::mt19937 rng(static_cast<unsigned>(horizontal * 10 + vertical));
  const auto session = planes_session();
  for (const ImageSize size : {ImageSize{70, 131}, ImageSize{33, 48}, ImageSize{16, 6}}) {
    const Bytes bytes = encode_as(photo(size.height, size.width), {horizontal, vertical, false, 3});
    const auto expected = samples_by_libjpeg(bytes);
    for (int i = 0; i < 100; ++i) {
      const auto below = [&](int count) {
        return static_cast<int>(rng() % static_cast<unsigned>(count));
      };
      Region region{0, 0, 1 + below(size.height), 1 + below(size.width)};
      region.top = below(size.height - region.height + 1);
      region.left = below(size.width - region.width + 1);
      if (i % 3 == 0) session->open(bytes);
      if (i == 0 || i % 3 == 0) {
        ASSERT_NE(session->decode_planes(region), nullptr);
      }
      const ColourPlanes* const planes = session->decode_planes(region);
      ASSERT_NE(planes, nullptr);
      for (std::size_t c = 0; c < 3; ++c) {
        const ColourPlanes::Plane& plane = planes->planes[c];
        const ImageSize step = c == 0 ? ImageSize{1, 1} : ImageSize{vertical, horizontal};
        ASSERT_EQ(plane.step, step);
        ASSERT_EQ(plane.whole, (ImageSize{(size.height + step.height - 1) / step.height,
                                          (size.width + step.width - 1) / step.width}));
        ASSERT_TRUE((Region{0, 0, plane.whole.height, plane.whole.width}.contains(plane.region)));
        // With two more on each side of what covers the region.
        const auto missing = [](int first, int end, int wanted_first, int wanted_last,
                                int step_size, int whole) {
          const int margin = step_size == 1 ? 0 : 2;
          return first > std::max(0, wanted_first / step_size - margin) ||
                 end - 1 < std::min(whole - 1, wanted_last / step_size + margin);
        };
        ASSERT_FALSE(missing(plane.region.top, plane.region.top + plane.region.height, region.top,
                             region.top + region.height - 1, step.height, plane.whole.height));
        ASSERT_FALSE(missing(plane.region.left, plane.region.left + plane.region.width, region.left,
                             region.left + region.width - 1, step.width, plane.whole.width));
        for (int y = 0; y < plane.region.height; ++y) {
          const JSAMPLE* const row =
              expected[c].levels.data() +
              static_cast<std::size_t>(plane.region.top + y) * expected[c].row_bytes +
              plane.region.left;
          ASSERT_EQ(std::memcmp(plane.pixels.row<JSAMPLE>(y), row,
                                static_cast<std::size_t>(plane.region.width)),
                    0)
              << "plane " << c << ", row " << plane.region.top + y;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Subsamplings, JpegPlanes,
                         ::testing::Values(std::pair(2, 1), std::pair(1, 2), std::pair(2, 2)),
                         [](const auto& test) {
                           return std::to_string(test.param.first) + "x" +
                                  std::to_string(test.param.second);
                         });

TEST(JpegPlanes, AreGivenOfSubsampledBaselineFilesAlone) {
  const Image image = photo(40, 40);
  const auto session = planes_session();
  const Region whole{0, 0, 40, 40};
  const auto gives_planes = [&](const Layout& layout) {
    const Bytes bytes = encode_as(image, layout);
    session->open(bytes);
    return session->decode_planes(whole) != nullptr;
  };
  EXPECT_TRUE(gives_planes({2, 2}));
  EXPECT_FALSE(gives_planes({1, 1})) << "nothing is gained";
  EXPECT_FALSE(gives_planes({2, 2, true})) << "progressive";
  EXPECT_FALSE(gives_planes({.grey = true}));
  const auto exact = fixtures::jpeg_session();
  const Bytes bytes = encode_as(image, {2, 2});
  exact->open(bytes);
  EXPECT_EQ(exact->decode_planes(whole), nullptr) << "nobody asked for it";
}

TEST(JpegPlanes, DamageIsLeftToDecode) {
  Bytes bytes = encode_as(photo(64, 64), {2, 2});
  bytes.resize(bytes.size() / 2);
  const auto session = planes_session();
  session->open(bytes);
  EXPECT_EQ(session->decode_planes({0, 0, 64, 64}), nullptr);
  Image image;
  try {
    session->decode({{0, 0, 64, 64}, 3}, image);
    FAIL() << "half a file";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("JPEG ends after"));
  }
}

TEST(JpegPlanes, MakeAnotherStream) {
  EXPECT_NE(make_jpeg_decoder({.fast_chroma = true})->fingerprint(),
            make_jpeg_decoder()->fingerprint());
  EXPECT_NE(make_jpeg_decoder({.fast_scale = true, .fast_chroma = true})->fingerprint(),
            make_jpeg_decoder({.fast_scale = true})->fingerprint());
}

TEST(JpegPlanes, OfAnyImageFileAreThoseOfJpeg) {
  const auto session = make_image_decoder({.fast_chroma = true})->session();
  const Bytes jpeg = encode_as(photo(40, 40), {2, 2});
  session->open(jpeg);
  EXPECT_NE(session->decode_planes({3, 4, 20, 10}), nullptr);
  const Bytes png = fixtures::image_file("rgb.png");
  session->open(png);
  EXPECT_EQ(session->decode_planes({0, 0, 1, 1}), nullptr);
}

TEST(JpegPlanes, RefusesWhatDecodeRefuses) {
  const auto session = planes_session();
  EXPECT_THROW(session->decode_planes({0, 0, 1, 1}), Error) << "nothing is open";
  const Bytes bytes = encode_as(photo(40, 40), {2, 2});
  session->open(bytes);
  EXPECT_THROW(session->decode_planes({0, 0, 41, 1}), Error);
}

}  // namespace
}  // namespace headrace
