#include "headrace/train/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "keras_fixture.h"

namespace headrace {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TEST(Schedule, AgreesWithKeras) {
  const json fixture = keras_fixture();
  for (const json& test : fixture.at("schedules")) {
    const auto line = test.at("line").get<std::string>();
    const Schedule schedule = parse_schedule(line, 1, 1);
    const Schedule again = parse_schedule(to_string(schedule), 0, 1);
    for (std::size_t step = 0; step < test.at("rates").size(); ++step) {
      const double expected = test.at("rates")[step].get<double>();
      EXPECT_NEAR(schedule(99, step), expected, 2e-7 * (0.1 + expected)) << line << " at " << step;
      EXPECT_EQ(again(99, step), schedule(99, step)) << to_string(schedule);
    }
  }
}

TEST(Schedule, WhatALineLeavesOutComesFromTheTraining) {
  const Schedule schedule = parse_schedule("polynomial:power=2", 0.5, 10);
  EXPECT_EQ(schedule.unit, ScheduleUnit::epoch);
  EXPECT_DOUBLE_EQ(schedule(0, 1000), 0.5);
  EXPECT_DOUBLE_EQ(schedule(5, 1000), 0.125);
  EXPECT_DOUBLE_EQ(schedule(10, 1000), 0);
  const Schedule warm = parse_schedule("cosine:warmup=4", 1, 10);
  EXPECT_DOUBLE_EQ(warm(0, 0), 0);
  EXPECT_DOUBLE_EQ(warm(2, 0), 0.5);
  EXPECT_DOUBLE_EQ(warm(4, 0), 1);
  EXPECT_NEAR(warm(7, 0), 0.5, 1e-15);
  EXPECT_NEAR(warm(10, 0), 0, 1e-15);
}

TEST(Schedule, AnyFunctionWillDoButCannotBeWritten) {
  const Schedule schedule{.rate = RateFunction([](double x) { return 1 / (1 + x); })};
  check(schedule);
  EXPECT_DOUBLE_EQ(schedule(7, 3), 0.25);
  EXPECT_EQ(to_string(schedule), "function");
}

TEST(Schedule, AMistakeInALineIsNamed) {
  const auto refused = [](const char* line, const char* what) {
    EXPECT_THAT([&] { parse_schedule(line, 0.1, 5); },
                throws_error(ErrorCode::invalid_argument, HasSubstr(what)))
        << line;
  };
  refused("linear", "there is no 'linear'; known: constant");
  refused("polynomial:power", "'power' should read name=value");
  refused("polynomial:power=x", "power='x' is no number");
  refused("polynomial:power=1,power=2", "given twice");
  refused("polynomial:alpha=1", "'alpha' means nothing to polynomial");
  refused("cosine:unit=step", "over=N");
  refused("cosine:unit=hour", "epoch or step");
  refused("cosine:over=0", "over nothing");
  refused("cosine:warmup=-1", "warm-up");
  refused("exponential", "rate=0.96");
  refused("piecewise:values=1/2,boundaries=1/2", "one value more");
  refused("piecewise:values=1/2/3,boundaries=2/1", "must rise");
  refused("constant:rate=-1", "0 or more");
}

}  // namespace
}  // namespace headrace
