#include "headrace/cli/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

class Descriptor {
 public:
  Descriptor(int value, const char* what) : value_(value) {
    if (value_ < 0) throw io_error(what, errno);
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

// Signals are blocked in every thread and read by one, so that what they lead to is ordinary code.
struct Interrupt::Impl {
  sigset_t set = stop_signals();
  sigset_t before{};
  Descriptor signals{::signalfd(-1, &set, SFD_CLOEXEC), "cannot watch for signals"};
  Descriptor finish{::eventfd(0, EFD_CLOEXEC), "cannot watch for signals"};
  std::atomic<bool> requested{false};
  std::atomic<int> signal{0};
  std::mutex mutex;
  std::vector<std::pair<const Action*, std::function<void()>>> actions;
  std::thread watcher;

  void watch() {
    for (;;) {
      pollfd waits[] = {{signals.get(), POLLIN, 0}, {finish.get(), POLLIN, 0}};
      if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
      if (waits[1].revents != 0) return;
      signalfd_siginfo info{};
      if ((waits[0].revents & POLLIN) == 0 || ::read(signals.get(), &info, sizeof info) <= 0)
        continue;
      on_signal(static_cast<int>(info.ssi_signo));
    }
  }

  void on_signal(int number) {
    if (signal.exchange(number) != 0) {
      Terminal::standard_error().status("");
      ::_exit(128 + number);
    }
    const std::lock_guard lock(mutex);
    requested = true;
    for (const auto& [owner, action] : actions) action();
  }
};

Interrupt::Interrupt() : impl_(std::make_unique<Impl>()) {
  ::pthread_sigmask(SIG_BLOCK, &impl_->set, &impl_->before);
  impl_->watcher = std::thread([this] { impl_->watch(); });
}

Interrupt::~Interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(impl_->finish.get(), &one, sizeof one);
  impl_->watcher.join();
  ::pthread_sigmask(SIG_SETMASK, &impl_->before, nullptr);
}

const std::atomic<bool>& Interrupt::requested() const { return impl_->requested; }

int Interrupt::exit_status() const {
  const int number = impl_->signal;
  return number == 0 ? 0 : 128 + number;
}

Interrupt::Action::Action(Interrupt& interrupt, std::function<void()> action)
    : interrupt_(interrupt) {
  const std::lock_guard lock(interrupt_.impl_->mutex);
  if (interrupt_.impl_->requested) action();
  interrupt_.impl_->actions.emplace_back(this, std::move(action));
}

Interrupt::Action::~Action() {
  const std::lock_guard lock(interrupt_.impl_->mutex);
  std::erase_if(interrupt_.impl_->actions, [this](const auto& a) { return a.first == this; });
}

}  // namespace headrace::cli
