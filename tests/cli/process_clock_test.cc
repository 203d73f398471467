#include "headrace/cli/process_clock.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(ProcessClock, GoesOnFromTheStartOfTheProcess) {
  const double age = process_age_seconds();
  EXPECT_GT(age, 0);
  EXPECT_LT(age, 3600);
  EXPECT_GE(process_age_seconds(), age);
}

}  // namespace
}  // namespace headrace::cli
