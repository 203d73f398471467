#include "headrace/cli/fitting_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/error_matcher.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const TrainingLength length{.epochs = 10, .steps_per_epoch = 20, .batch_size = 1024};

FittingOptions sgd(double rate) {
  FittingOptions options;
  options.optimizer = "sgd";
  options.learning_rate = rate;
  return options;
}

TEST(LearningRates, AreLeftAloneUnlessAskedOtherwise) {
  EXPECT_DOUBLE_EQ(learning_rate(sgd(0.1).make_optimizer(length)), 0.1);
  EXPECT_FALSE(sgd(0.1).make_schedule(length));
  EXPECT_EQ(sgd(0.1).rates_text(length), "");
}

TEST(LearningRates, AreScaledByTheBatch) {
  FittingOptions options = sgd(0.1);
  options.scale_learning_rate = 256;
  EXPECT_DOUBLE_EQ(learning_rate(options.make_optimizer(length)), 0.4);
  EXPECT_EQ(options.rates_text(length),
            "learning rate 0.4: 0.1 for batches of 256, times 4 for 1024");
  options.learning_rate = 0;  // the optimizer's own, 0.01
  EXPECT_DOUBLE_EQ(learning_rate(options.make_optimizer(length)), 0.04);
  options.schedule = "cosine";
  EXPECT_DOUBLE_EQ((*options.make_schedule(length))(0, 0), 0.04);
  options.schedule = "piecewise:values=0.1/0.01,boundaries=5";
  EXPECT_THAT([&] { options.make_schedule(length); },
              throws_error(ErrorCode::invalid_argument,
                           AllOf(HasSubstr("names its own rates"), HasSubstr("piecewise"))));
}

TEST(LearningRates, WarmUpFromWhatTheyWereBeforeTheyWereScaled) {
  FittingOptions options = sgd(0.1);
  options.scale_learning_rate = 256;
  options.warm_up_epochs = 5;
  const Schedule schedule = *options.make_schedule(length);
  EXPECT_DOUBLE_EQ(schedule(0, 0), 0.1);
  EXPECT_DOUBLE_EQ(schedule(2, 50), 0.25);
  EXPECT_DOUBLE_EQ(schedule(5, 100), 0.4);
  EXPECT_DOUBLE_EQ(schedule(9, 199), 0.4);
  EXPECT_THAT(options.rates_text(length),
              AllOf(HasSubstr("times 4"), HasSubstr("first 100 steps lead to it from 0.1")));
}

TEST(LearningRates, WarmUpFromNextToNothingInEqualSteps) {
  FittingOptions options = sgd(0.1);
  options.warm_up_steps = 4;
  const Schedule schedule = *options.make_schedule(length);
  for (const std::uint64_t step : {0u, 1u, 2u, 3u, 4u}) {
    EXPECT_DOUBLE_EQ(schedule(0, step), 0.02 * static_cast<double>(step + 1));
  }
  EXPECT_DOUBLE_EQ(schedule(0, 5), 0.1);
  EXPECT_EQ(options.rates_text(length),
            "learning rate 0.1: the first 4 steps lead to it from 0.02");
}

TEST(LearningRates, OfASchedulesWarmUpAreCountedAsItCounts) {
  FittingOptions options = sgd(0.1);
  options.schedule = "polynomial";
  options.warm_up_epochs = 4;
  const Schedule by_epoch = *options.make_schedule(length);
  EXPECT_DOUBLE_EQ(by_epoch(0, 19), 0.02);
  EXPECT_DOUBLE_EQ(by_epoch(4, 80), 0.1);
  EXPECT_DOUBLE_EQ(by_epoch(7, 140), 0.05);  // what is left of ten epochs
  options.schedule = "cosine:over=100,unit=step";
  EXPECT_EQ(options.make_schedule(length)->warmup, 80);
  options.warm_up_epochs = 0;
  options.warm_up_steps = 7;
  EXPECT_EQ(options.make_schedule(length)->warmup, 7);

  options.schedule = "cosine";
  EXPECT_THAT([&] { options.make_schedule(length); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("give --warm-up-epochs")));
  options.schedule = "cosine:over=100,unit=step,warmup=3";
  EXPECT_THAT([&] { options.make_schedule(length); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("warm-up of its own")));
}

}  // namespace
}  // namespace headrace::cli
