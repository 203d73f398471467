#include "headrace/train/device_threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace headrace {
namespace {

using ::testing::ElementsAre;

// Has two turns wait for each other.
class Meeting {
 public:
  // Whether the other came.
  bool meet() {
    std::unique_lock lock(mutex_);
    ++there_;
    changed_.notify_all();
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return there_ >= 2; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int there_ = 0;
};

TEST(DeviceThreads, TurnsOfTwoDevicesAreTakenAtTheSameTime) {
  DeviceThreads threads(2);
  Meeting meeting;
  int met = 0;
  const auto meet = [&] { EXPECT_TRUE(meeting.meet()); };
  threads.run({{0, {}, meet}, {1, {}, meet}}, [&](std::size_t) { ++met; });
  EXPECT_EQ(met, 2);
}

TEST(DeviceThreads, ATurnComesAfterThoseItNamesAndDoneIsToldInOrder) {
  for (int round = 0; round < 50; ++round) {
    DeviceThreads threads(3);
    std::atomic<int> value = 0;
    std::vector<std::size_t> done;
    const auto caller = std::this_thread::get_id();
    threads.run({{0, {}, [&] { value += 1; }},
                 {1, {0}, [&] { value = value * 10; }},
                 {2, {1}, [&] { value += 3; }},
                 {0, {2}, [&] { value = value * 10; }}},
                [&](std::size_t number) {
                  EXPECT_EQ(std::this_thread::get_id(), caller);
                  done.push_back(number);
                });
    EXPECT_EQ(value, 130);
    EXPECT_THAT(done, ElementsAre(0, 1, 2, 3));
  }
}

TEST(DeviceThreads, CallsOnTheCallerComeInTheOrderOfTurns) {
  DeviceThreads threads(2);
  const auto caller = std::this_thread::get_id();
  for (int round = 0; round < 50; ++round) {
    std::vector<int> calls;
    const auto turn = [&](int number) {
      return [&, number] {
        for (int i = 0; i < 2; ++i) {
          threads.on_caller([&] {
            EXPECT_EQ(std::this_thread::get_id(), caller);
            calls.push_back(number);
          });
        }
      };
    };
    threads.run({{0, {}, turn(1)}, {1, {}, turn(2)}, {0, {}, turn(3)}}, [](std::size_t) {});
    EXPECT_THAT(calls, ElementsAre(1, 1, 2, 2, 3, 3));
  }
}

TEST(DeviceThreads, AnErrorEndsAllAndTheNextCallWorks) {
  DeviceThreads threads(2);
  std::atomic<int> taken = 0;
  const auto count = [&] { ++taken; };
  const auto fail = [] { throw std::runtime_error("broken"); };
  for (int round = 0; round < 20; ++round) {
    taken = 0;
    EXPECT_THROW(threads.run({{0, {}, fail}, {1, {0}, count}}, [](std::size_t) {}),
                 std::runtime_error);
    EXPECT_EQ(taken, 0);
    // Who waits for the caller is let go.
    const auto ask = [&] { threads.on_caller(count); };
    EXPECT_THROW(threads.run({{0, {}, fail}, {1, {}, ask}}, [](std::size_t) {}),
                 std::runtime_error);
    EXPECT_THROW(threads.run({{0, {}, [&] { threads.on_caller(fail); }}}, [](std::size_t) {}),
                 std::runtime_error);
    EXPECT_THROW(threads.run({{0, {}, count}, {1, {}, count}}, [&](std::size_t) { fail(); }),
                 std::runtime_error);
    taken = 0;
    threads.run({{0, {}, count}, {1, {0}, count}}, [](std::size_t) {});
    EXPECT_EQ(taken, 2);
  }
}

}  // namespace
}  // namespace headrace
