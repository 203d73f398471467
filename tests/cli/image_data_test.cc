#include "headrace/cli/image_data.h"

#include <gtest/gtest.h>

#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

constexpr ImageShape natural{100, 200, 1};

TEST(ImageSize, OneNumberIsASquare) {
  EXPECT_EQ(parse_image_size("28", natural), (ImageShape{28, 28, 1}));
}

TEST(ImageSize, TwoNumbersAreHeightAndWidth) {
  EXPECT_EQ(parse_image_size("28x32", natural), (ImageShape{28, 32, 1}));
}

TEST(ImageSize, TheThirdNumberIsChannels) {
  EXPECT_EQ(parse_image_size("28x32x3", natural), (ImageShape{28, 32, 3}));
}

TEST(ImageSize, AnythingElseIsRefusedWithAnExample) {
  for (const char* text :
       {"", "x", "28x", "x28", "0", "-1", "28x0", "28,28", "1x2x3x4", "28 28", "99999999999"}) {
    EXPECT_THROW(parse_image_size(text, natural), Error) << text;
  }
}

}  // namespace
}  // namespace headrace::cli
