#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace headrace {

// A thread for each device of a plan, on which the device's turns are taken. They live as long as
// the plan, and wait between its calls.
class DeviceThreads {
 public:
  explicit DeviceThreads(std::size_t devices);
  ~DeviceThreads();
  DeviceThreads(const DeviceThreads&) = delete;
  DeviceThreads& operator=(const DeviceThreads&) = delete;

  // What a device does at once. It comes after earlier turns of its device, and after those that
  // are named, which are earlier too.
  struct Turn {
    std::size_t device = 0;
    std::vector<std::size_t> after;  // numbers of turns
    std::function<void()> work;
  };
  // Takes all turns. `done(number)` is called on this thread, in the order of turns, when the turn
  // and all before it are done; later turns go on meanwhile. What a turn or `done` throws ends the
  // rest: the first turn's error is thrown here when all threads have stopped.
  void run(const std::vector<Turn>& turns, const std::function<void(std::size_t)>& done);

  // Called by a turn: has `call` made by the thread that called run(), when all earlier turns are
  // done, so that calls of several turns come in the order of turns. Throws what `call` throws.
  void on_caller(const std::function<void()>& call);

 private:
  struct Ended {};  // thrown through a turn that waited when another one failed

  void loop(std::size_t device);
  void take_turns(std::size_t device, std::unique_lock<std::mutex>& lock);
  bool is_ready(const Turn& turn) const;
  void fail(std::size_t turn, std::exception_ptr error);
  void serve(std::size_t turn, std::unique_lock<std::mutex>& lock);
  void end(std::unique_lock<std::mutex>& lock);

  // A call that a turn waits for.
  struct Request {
    const std::function<void()>* call = nullptr;
    std::exception_ptr error;
    bool is_taken = false;
    bool is_answered = false;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::vector<Turn>* turns_ = nullptr;  // of the call under way
  std::vector<bool> done_;
  std::vector<Request*> requests_;      // of each turn
  std::vector<std::size_t> under_way_;  // turn of each device
  std::size_t busy_ = 0;                // devices that have turns left
  std::size_t calls_ = 0;               // of run(), counted
  std::exception_ptr error_;
  std::optional<std::size_t> failed_;  // the turn whose error that is
  bool quit_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace headrace
