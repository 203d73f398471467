#include "headrace/cli/loading.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(Loading, CachedPixelsAreAtFullResolutionSoThatOneFingerprintMeansOneKindOfPixels) {
  LoadingOptions options;
  EXPECT_FALSE(Loading(options).decoding().fast_scale);
  options.fast_scale = true;
  EXPECT_TRUE(Loading(options).decoding().fast_scale);
  options.cache = "encoded";
  EXPECT_TRUE(Loading(options).decoding().fast_scale);
  options.cache = "pixels";
  EXPECT_FALSE(Loading(options).decoding().fast_scale);
}

}  // namespace
}  // namespace headrace::cli
