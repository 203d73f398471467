#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "headrace/pipeline/error.h"

namespace headrace::cli {

// While it lives, the first SIGINT or SIGTERM asks the program to stop and goes on; a second one
// ends it at once. Before and after, signals end the program as they always do. One object at a
// time; make it before the threads of the work are started, so that they leave signals to it.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Set by the first signal; to be polled from any thread.
  const std::atomic<bool>& requested() const;
  // The exit status that tells of the signal: 128 + its number; 0 before one came.
  int exit_status() const;

  // Whether the error is what became of work that the signal stopped.
  bool explains(const Error& error) const {
    return error.code() == ErrorCode::cancelled && requested();
  }

  // While it lives, `action` is called, once, on another thread when the first signal comes, or
  // at once on this thread if it came before. Destroying it waits for a call under way.
  class Action {
   public:
    Action(Interrupt& interrupt, std::function<void()> action);
    ~Action();
    Action(const Action&) = delete;
    Action& operator=(const Action&) = delete;

   private:
    Interrupt& interrupt_;
  };

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headrace::cli
