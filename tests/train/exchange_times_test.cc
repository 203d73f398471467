#include "headrace/train/exchange_times.h"

#include <gtest/gtest.h>

#include <vector>

namespace headrace {
namespace {

using Time = std::chrono::steady_clock::time_point;

Time at(int second) { return Time(std::chrono::seconds(second)); }

TEST(ExchangeTimes, WhatIsUnderWayAtOnceCountsOnce) {
  const std::vector<ExchangeInterval> intervals{
      {at(1), at(4)}, {at(2), at(3)}, {at(3), at(6)}, {at(8), at(9)}};
  const ExchangeTimes times = exchange_times(intervals, at(100));
  EXPECT_DOUBLE_EQ(times.seconds, 6);
  EXPECT_DOUBLE_EQ(times.after_backward, 0);
  EXPECT_DOUBLE_EQ(times.hidden(), 1);
}

TEST(ExchangeTimes, WhatIsAfterBackwardIsNotHidden) {
  const std::vector<ExchangeInterval> intervals{{at(1), at(4)}, {at(3), at(9)}, {at(7), at(9)}};
  const ExchangeTimes times = exchange_times(intervals, at(7));
  EXPECT_DOUBLE_EQ(times.seconds, 8);
  EXPECT_DOUBLE_EQ(times.after_backward, 2);
  EXPECT_DOUBLE_EQ(times.hidden(), 0.75);
  EXPECT_DOUBLE_EQ((times + times - times).after_backward, 2);
}

TEST(ExchangeTimes, OfNothingAreZero) {
  EXPECT_EQ(exchange_times({}, at(7)).seconds, 0);
  EXPECT_EQ(ExchangeTimes().hidden(), 0);
}

}  // namespace
}  // namespace headrace
