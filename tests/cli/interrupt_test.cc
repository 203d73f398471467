#include "headrace/cli/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

namespace headrace::cli {
namespace {

TEST(Interrupt, NothingIsRequestedBeforeASignal) {
  Interrupt interrupt;
  EXPECT_FALSE(interrupt.requested());
  EXPECT_EQ(interrupt.exit_status(), 0);
}

TEST(Interrupt, FirstSignalSetsTheFlagAndCallsTheActions) {
  Interrupt interrupt;
  std::promise<bool> called;
  const Interrupt::Action action(interrupt, [&] { called.set_value(interrupt.requested()); });
  ::kill(::getpid(), SIGTERM);
  auto result = called.get_future();
  ASSERT_EQ(result.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_TRUE(result.get());
  EXPECT_EQ(interrupt.exit_status(), 128 + SIGTERM);
}

TEST(Interrupt, AnActionThatComesLateIsCalledAtOnce) {
  Interrupt interrupt;
  ::kill(::getpid(), SIGINT);
  while (!interrupt.requested()) std::this_thread::yield();
  bool called = false;
  const Interrupt::Action action(interrupt, [&] { called = true; });
  EXPECT_TRUE(called);
}

TEST(Interrupt, AnActionIsForgottenWithItsObject) {
  Interrupt interrupt;
  int calls = 0;
  {
    const Interrupt::Action action(interrupt, [&] { ++calls; });
  }
  ::kill(::getpid(), SIGINT);
  while (!interrupt.requested()) std::this_thread::yield();
  EXPECT_EQ(calls, 0);
}

TEST(InterruptDeathTest, SecondSignalEndsTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Interrupt interrupt;
        ::kill(::getpid(), SIGINT);
        while (!interrupt.requested()) std::this_thread::yield();
        ::kill(::getpid(), SIGINT);
        std::this_thread::sleep_for(std::chrono::seconds(60));
      },
      testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(InterruptDeathTest, SignalsEndTheProgramAsUsualAfterwards) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        { Interrupt interrupt; }
        ::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace headrace::cli
