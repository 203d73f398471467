#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace headrace {

// Work that one thread gives to others through a library, and takes back when the library says that
// all of it is done. Such a library (oneTBB) orders what the threads write, but in code that
// ThreadSanitizer cannot see, for distributions do not instrument it. A hand-over orders the same
// once more, in sight, at the price of two atomic operations a call:
//
//   HandOver hand_over;
//   const auto task = hand_over.task([&](int i) { ... });  // sees what was written before
//   tbb::parallel_for(0, parts, task);
//   hand_over.take_back();  // what the calls wrote is seen from here on, also if one threw
//
// Calls of the same task are not ordered by it: what they share, they guard.
class HandOver {
 public:
  template <class Body>
  class Task {
   public:
    // Thread-safe if `body` is. Returns and throws what that does.
    template <class... Args>
    decltype(auto) operator()(Args&&... args) const {
      see_given();  // before a member is read
      const Call call(*hand_over_);
      return body_(std::forward<Args>(args)...);
    }

   private:
    friend class HandOver;
    Task(HandOver& hand_over, Body body) : hand_over_(&hand_over), body_(std::move(body)) {
      give();
    }

    HandOver* hand_over_;
    Body body_;
  };

  HandOver() = default;
  ~HandOver() { take_back(); }
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  // `body` as it is to be given to other threads, by reference; the hand-over outlives its calls.
  // Whoever copies it, or writes what it reads, calls give() afterwards.
  template <class Body>
  Task<Body> task(Body body) {
    return Task<Body>(*this, std::move(body));
  }
  // What this thread has written is seen by calls that start from now on.
  static void give() noexcept { given.fetch_add(1, std::memory_order_release); }
  // This thread sees what was written before any give(): for work that is no task().
  static void see_given() noexcept { static_cast<void>(given.load(std::memory_order_acquire)); }
  // What finished calls have written is seen by this thread.
  void take_back() const noexcept { static_cast<void>(ended_.load(std::memory_order_acquire)); }

 private:
  // One call of a task; ends with it, also when that throws.
  class Call {
   public:
    explicit Call(HandOver& hand_over) : hand_over_(hand_over) {}
    ~Call() { hand_over_.ended_.fetch_add(1, std::memory_order_release); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    HandOver& hand_over_;
  };

  // One for all: a task's own members are what has to be seen first.
  static inline std::atomic<std::uint64_t> given{0};
  std::atomic<std::uint64_t> ended_{0};
};

}  // namespace headrace
