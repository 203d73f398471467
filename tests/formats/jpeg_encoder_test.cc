#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/error.h"
#include "tests/formats/jpeg_fixtures.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::decode;
using fixtures::find_marker;
using fixtures::jpeg_session;
using fixtures::photo;
using fixtures::reference;

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
    const Image image = decode(*jpeg_session(), bytes, 3);
    ASSERT_EQ(image.shape(), colour.shape());
    errors.push_back(mean_error(image, colour));
  }
  EXPECT_LT(errors[0], 10);
  EXPECT_LT(errors[1], errors[0]);
  EXPECT_LT(errors[2], 1);
  const Image grey = reference("grey.jpg");
  encode_jpeg(grey.view(), 95, bytes);
  const Image image = decode(*jpeg_session(), bytes, 1);
  ASSERT_EQ(image.shape(), grey.shape());
  EXPECT_LT(mean_error(image, grey), 2);
}

TEST(JpegEncoder, ChromaIsSubsampledUpToQuality90) {
  const Image colour = reference("444.jpg");
  const auto luma_sampling = [&](int quality) {
    Bytes bytes;
    encode_jpeg(colour.view(), quality, bytes);
    return std::to_integer<int>(bytes[find_marker(bytes, 0xC0) + 11]);
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
