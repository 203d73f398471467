#include "headrace/augment/flip.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

constexpr int draws = 20000;

int flipped(const Operation& operation, bool sideways) {
  int count = 0;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    Geometry geometry({10, 12}, {20, 6});
    const AffineMap before = geometry.source_from_output;
    Rng rng = Rng(1, 0).for_sample(sample).for_operation(stream_id(operation.parameter.name));
    operation.plan(true, rng, geometry);
    const AffineMap& map = geometry.source_from_output;
    if (map == before) continue;
    ++count;
    AffineMap mirrored = before;
    if (sideways) {
      mirrored.xx = -before.xx;
      mirrored.xt = 12;
    } else {
      mirrored.yy = -before.yy;
      mirrored.yt = 10;
    }
    EXPECT_EQ(map, mirrored);
  }
  return count;
}

TEST(Flip, HalfOfTheImagesAreMirroredLeftToRight) {
  EXPECT_NEAR(flipped(horizontal_flip(), true), draws / 2, 300);
}

TEST(Flip, HalfOfTheImagesAreMirroredTopToBottom) {
  EXPECT_NEAR(flipped(vertical_flip(), false), draws / 2, 300);
}

}  // namespace
}  // namespace headrace
