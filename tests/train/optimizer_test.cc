#include "headrace/train/optimizer.h"

#include <gtest/gtest.h>

#include "../support/error_matcher.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

TEST(Optimizer, IsMadeByItsNameWithKerasDefaults) {
  for (const char* text : {"sgd", "adam", "rmsprop"}) {
    EXPECT_EQ(name(make_optimizer(text)), text);
  }
  EXPECT_DOUBLE_EQ(learning_rate(make_optimizer("sgd")), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(make_optimizer("adam")), 0.001);
  EXPECT_DOUBLE_EQ(learning_rate(make_optimizer("rmsprop")), 0.001);
}

TEST(Optimizer, AnUnknownNameListsTheKnownOnes) {
  EXPECT_THAT([] { make_optimizer("adamw"); },
              throws_error(ErrorCode::invalid_argument, HasSubstr("known: sgd, adam, rmsprop")));
}

TEST(Optimizer, LearningRateCanBeChanged) {
  Optimizer optimizer = Adam{};
  set_learning_rate(optimizer, 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(optimizer), 0.25);
}

TEST(Optimizer, KeepsAsManySlotsAsItsFormulaNeeds) {
  EXPECT_EQ(state_slots(Sgd{}), 0);
  EXPECT_EQ(state_slots(Sgd{.momentum = 0.9}), 1);
  EXPECT_EQ(state_slots(Adam{}), 2);
  EXPECT_EQ(state_slots(RmsProp{}), 1);
  EXPECT_EQ(state_slots(RmsProp{.momentum = 0.9}), 2);
}

}  // namespace
}  // namespace headrace
