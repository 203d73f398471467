#include "headrace/train/comm/exchange.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/comm/carrier.h"

namespace headrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto grace = seconds(2);           // for a thread that must answer at once
constexpr auto hearing = milliseconds(500);  // for others to say what they have heard

}  // namespace

Exchange::Exchange(ProcessGroup::OpenLink open, milliseconds deadline)
    : shared_(std::make_shared<Shared>()), deadline_(deadline) {
  thread_ = std::thread(
      [shared = shared_, open = std::move(open), deadline] { run(shared, open, deadline); });
  Lock own(shared_->mutex);
  const auto over = [&] { return shared_->met || shared_->quiet; };
  const bool in_time = shared_->changed.wait_for(own, deadline + grace, over);
  if (shared_->met) return;
  const std::string reason =
      in_time ? shared_->reason : "not all processes have come to the beginning in time";
  shared_->closing = true;
  shared_->wake.notify_all();
  own.unlock();
  if (in_time) {
    thread_.join();
  } else {
    thread_.detach();
  }
  throw Error(ErrorCode::backend, reason);
}

Exchange::~Exchange() {
  {
    Lock own(shared_->mutex);
    shared_->closing = true;
    shared_->wake.notify_all();
    if (!shared_->changed.wait_for(own, deadline_ + grace, [&] { return shared_->ended; })) {
      thread_.detach();
      return;
    }
  }
  thread_.join();
}

void Exchange::run(const std::shared_ptr<Shared>& shared, const ProcessGroup::OpenLink& open,
                   milliseconds deadline) noexcept {
  ::prctl(PR_SET_TIMERSLACK, 1'000UL);  // ns: short pauses are to be short
  const auto set_failed = [&](const std::string& reason) {
    const Lock own(shared->mutex);
    if (!shared->failed) shared->reason = reason;
    shared->failed = true;
    shared->quiet = true;
    shared->changed.notify_all();
  };
  try {
    const std::unique_ptr<Link> link = open();
    {
      const Lock own(shared->mutex);
      shared->process = link->process();
      shared->processes = link->processes();
      shared->local_processes = link->local_processes();
    }
    Carrier carrier(*shared, *link);
    try {
      carrier.meet(Clock::now() + deadline);
      {
        const Lock own(shared->mutex);
        shared->met = true;
        shared->changed.notify_all();
      }
      carrier.carry();
      carrier.leave(Clock::now() + deadline);
      link->leave();
    } catch (const std::exception& error) {
      const bool is_left = [&] {
        const Lock own(shared->mutex);
        return shared->closing && !shared->failed;
      }();
      carrier.fail(error.what());
      const auto heard = Clock::now() + hearing;
      set_failed(error.what());
      // No one else can say what went wrong while leaving.
      if (is_left) std::fprintf(stderr, "headrace: %s\n", error.what());
      Lock own(shared->mutex);
      shared->wake.wait(own, [&] { return shared->closing; });
      if (shared->met) {
        own.unlock();
        std::this_thread::sleep_until(heard);
        link->end_job();
      }
    }
  } catch (const std::exception& error) {
    set_failed(error.what());
  }
  const Lock own(shared->mutex);
  shared->ended = true;
  shared->changed.notify_all();
}

void Exchange::submit(std::shared_ptr<Operation> operation, const Lock&) {
  shared_->submitted.push_back(std::move(operation));
  shared_->wake.notify_all();
}

void Exchange::wait(Operation& operation, Clock::time_point until, Lock& lock) {
  const auto over = [&] { return operation.complete || shared_->quiet; };
  if (!shared_->changed.wait_until(lock, until, over)) {
    operation.overdue = true;  // the thread knows who is missing, and tells the others
    shared_->wake.notify_all();
    shared_->changed.wait_for(lock, grace, over);
  }
  if (operation.complete) return;
  fail("the library that carries messages between processes hangs", lock);
  throw_failed(lock);
}

void Exchange::fail(const std::string& reason, const Lock&) noexcept {
  if (shared_->failed) return;
  shared_->failed = true;
  try {
    shared_->reason = reason;
  } catch (const std::exception&) {
    // The general one says enough.
  }
  shared_->changed.notify_all();
  shared_->wake.notify_all();
}

void Exchange::throw_failed(Lock& lock) {
  shared_->changed.wait_for(lock, grace, [&] { return shared_->quiet; });
  throw Error(ErrorCode::backend, shared_->reason);
}

}  // namespace headrace
