#include "mailbox_link.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

namespace headrace::fake {

struct Network::State {
  // A long message lies in its sender's memory until its receiver has taken it; a short one is on
  // its way at once.
  struct Message {
    std::span<const std::byte> bytes;
    std::vector<std::byte> copy = {};
    bool taken = false;
  };
  using Box = std::tuple<int, int, int>;  // from, to, tag

  explicit State(int processes) : stopped(static_cast<std::size_t>(processes)) {}
  int processes() const { return static_cast<int>(stopped.size()); }

  std::mutex mutex;
  std::map<Box, std::deque<std::shared_ptr<Message>>> boxes;
  std::vector<std::atomic<bool>> stopped;
  std::atomic<int> jobs_ended{0};
};

class Network::MailboxLink final : public Link {
 public:
  MailboxLink(std::shared_ptr<State> state, int process)
      : state_(std::move(state)), process_(process) {}
  ~MailboxLink() override { cancel_all(); }
  MailboxLink(const MailboxLink&) = delete;
  MailboxLink& operator=(const MailboxLink&) = delete;

  int process() const override { return process_; }
  int processes() const override { return state_->processes(); }
  int local_processes() const override { return state_->processes(); }
  std::string host() const override { return "host" + std::to_string(process_); }

  Request send(int to, int tag, std::span<const std::byte> bytes) override {
    stand_still_if_stopped();
    const auto message = std::make_shared<State::Message>(State::Message{bytes});
    if (bytes.size() <= 1024) {
      message->copy.assign(bytes.begin(), bytes.end());
      message->bytes = message->copy;
    }
    const std::lock_guard lock(state_->mutex);
    state_->boxes[{process_, to, tag}].push_back(message);
    sends_[next_] = message;
    return next_++;
  }

  Request receive(int from, int tag, std::span<std::byte> bytes) override {
    stand_still_if_stopped();
    receives_.push_back({next_, {from, process_, tag}, bytes});
    return next_++;
  }

  bool done(Request request) override {
    stand_still_if_stopped();
    const std::lock_guard lock(state_->mutex);
    take_what_has_come();
    if (const auto found = sends_.find(request); found != sends_.end()) {
      if (!found->second->taken && found->second->copy.empty()) return false;
      sends_.erase(found);
      return true;
    }
    return std::none_of(receives_.begin(), receives_.end(),
                        [&](const Receive& receive) { return receive.request == request; });
  }

  void cancel_all() noexcept override {
    const std::lock_guard lock(state_->mutex);
    for (auto& [box, messages] : state_->boxes) {
      std::erase_if(messages, [&](const auto& message) {
        return message->copy.empty() &&
               std::any_of(sends_.begin(), sends_.end(),
                           [&](const auto& sent) { return sent.second == message; });
      });
    }
    sends_.clear();
    receives_.clear();
  }

  void leave() override {}
  void end_job() noexcept override { ++state_->jobs_ended; }

 private:
  struct Receive {
    Request request;
    State::Box box;
    std::span<std::byte> bytes;
  };

  void stand_still_if_stopped() const {
    while (state_->stopped[static_cast<std::size_t>(process_)]) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Receives of one box are served in the order in which they were asked for.
  void take_what_has_come() {
    std::erase_if(receives_, [&](const Receive& receive) {
      auto& messages = state_->boxes[receive.box];
      if (messages.empty()) return false;
      const auto message = messages.front();
      messages.pop_front();
      if (message->bytes.size() != receive.bytes.size()) {
        throw std::runtime_error("a message of another size than was waited for");
      }
      std::memcpy(receive.bytes.data(), message->bytes.data(), message->bytes.size());
      message->taken = true;
      return true;
    });
  }

  std::shared_ptr<State> state_;
  int process_;
  Request next_ = 0;
  std::map<Request, std::shared_ptr<State::Message>> sends_;
  std::deque<Receive> receives_;
};

Network::Network(int processes) : state_(std::make_shared<State>(processes)) {}
Network::~Network() = default;

ProcessGroup::OpenLink Network::link(int process) {
  return [state = state_, process] { return std::make_unique<MailboxLink>(state, process); };
}

void Network::stop(int process) { state_->stopped[static_cast<std::size_t>(process)] = true; }
void Network::resume(int process) { state_->stopped[static_cast<std::size_t>(process)] = false; }
int Network::jobs_ended() const { return state_->jobs_ended; }

}  // namespace headrace::fake
