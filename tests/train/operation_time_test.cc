#include "headrace/train/operation_time.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(OperationTime, AddsUpByKindTheLongestFirst) {
  const std::vector<OperationTime> times{
      {"dense", 1, 2, 10}, {"pooling", 4, 0, 0}, {"dense", 0.5, 1, 5}};
  const auto sums = add_up(times);
  ASSERT_EQ(sums.size(), 2u);
  EXPECT_EQ(sums[0].kind, "dense");
  EXPECT_EQ(sums[0].forward_seconds, 1.5);
  EXPECT_EQ(sums[0].backward_seconds, 3);
  EXPECT_EQ(sums[0].flops, 15);
  EXPECT_EQ(sums[1].seconds(), 4);
}

}  // namespace
}  // namespace headrace
