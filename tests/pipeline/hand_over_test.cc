#include "headrace/pipeline/hand_over.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace headrace {
namespace {

// A thread that exists before there is work, and is given it as by a library that ThreadSanitizer
// cannot see into: without any order of memory. Where a test says "sees", ThreadSanitizer reports a
// race if the hand-over does not order it.
template <class Task>
class UnseenThread {
 public:
  UnseenThread() : thread_([this] { run(); }) {}
  ~UnseenThread() {
    is_over_ = true;
    thread_.join();
  }
  UnseenThread(const UnseenThread&) = delete;
  UnseenThread& operator=(const UnseenThread&) = delete;

  // Calls task(number) there, and returns when that is done.
  void call(const Task& task, int number) {
    number_.store(number, std::memory_order_relaxed);
    task_.store(&task, std::memory_order_relaxed);
    while (task_.load(std::memory_order_relaxed) != nullptr) std::this_thread::yield();
  }

 private:
  void run() {
    while (!is_over_.load(std::memory_order_relaxed)) {
      if (const Task* task = task_.load(std::memory_order_relaxed)) {
        try {
          (*task)(number_.load(std::memory_order_relaxed));
        } catch (const std::runtime_error&) {  // as a library that throws it to its caller
        }
        task_.store(nullptr, std::memory_order_relaxed);
      }
      std::this_thread::yield();
    }
  }

  std::atomic<const Task*> task_{nullptr};
  std::atomic<int> number_{0};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

struct Square {
  const std::array<int, 3>* numbers;
  std::array<int, 3>* squares;
  int odd_one = -1;  // throws when it has written that square

  void operator()(int i) const {
    const auto place = static_cast<std::size_t>(i);
    (*squares)[place] = (*numbers)[place] * (*numbers)[place];
    if (i == odd_one) throw std::runtime_error("odd");
  }
};
using Thread = UnseenThread<HandOver::Task<Square>>;

TEST(HandOver, ACallSeesWhatWasWrittenBeforeTheTaskWasMade) {
  std::array<Thread, 2> threads;
  const std::array<int, 3> numbers{5, 6, 7};
  std::array<int, 3> squares{};
  HandOver hand_over;
  const auto task = hand_over.task(Square{&numbers, &squares});
  threads[0].call(task, 0);
  threads[1].call(task, 2);
  hand_over.take_back();
  EXPECT_EQ(squares, (std::array<int, 3>{25, 0, 49}));
}

TEST(HandOver, ACallSeesWhatWasWrittenBeforeItWasGiven) {
  Thread thread;
  std::array<int, 3> numbers{};
  std::array<int, 3> squares{};
  HandOver hand_over;
  const auto task = hand_over.task(Square{&numbers, &squares});
  const auto copy = task;
  numbers[1] = 8;
  HandOver::give();
  thread.call(copy, 1);
  hand_over.take_back();
  EXPECT_EQ(squares[1], 64);
}

TEST(HandOver, WhatACallWroteBeforeItThrewIsSeenAfterItsEnd) {
  Thread thread;
  const std::array<int, 3> numbers{5, 6, 7};
  std::array<int, 3> squares{};
  {
    HandOver hand_over;
    const auto task = hand_over.task(Square{&numbers, &squares, 1});
    thread.call(task, 1);
  }
  EXPECT_EQ(squares[1], 36);
}

TEST(HandOver, ATaskReturnsAndThrowsWhatItsBodyDoes) {
  HandOver hand_over;
  std::string kept = "kept";
  const auto task = hand_over.task([&](bool good) -> std::string& {
    if (!good) throw std::runtime_error("bad");
    return kept;
  });
  EXPECT_EQ(&task(true), &kept);
  EXPECT_THROW(task(false), std::runtime_error);
}

}  // namespace
}  // namespace headrace
