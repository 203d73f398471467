#include "headrace/train/process_group.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/comm/collective.h"
#include "headrace/train/comm/exchange.h"

namespace headrace {
namespace {

using Clock = Exchange::Clock;
using Lock = Exchange::Lock;
using Ticket = Communicator::Ticket;

// The replicas of this process: they meet here, and the last to come sends the operation off.
class Replicas {
 public:
  Replicas(std::shared_ptr<Exchange> exchange, int count)
      : exchange_(std::move(exchange)), count_(count), next_(static_cast<std::size_t>(count), 0) {}

  int world_size() const { return exchange_->processes() * count_; }
  int rank(int replica) const { return exchange_->process() * count_ + replica; }
  Ticket start(int replica, Collective kind, std::span<float> buffer);
  void wait(int replica, Ticket ticket, std::chrono::milliseconds deadline);
  Clock::time_point done_at(Ticket ticket) const;
  void check();
  void fail(int replica, const char* how, const char* why, bool only_if_awaited) noexcept;

 private:
  static constexpr std::size_t times_kept = 4096;
  struct Meeting {
    std::shared_ptr<Exchange::Operation> operation;
    std::vector<bool> come;
    int arrived = 0;
  };

  Meeting& at(Ticket ticket) { return meetings_[static_cast<std::size_t>(ticket - first_)]; }
  std::string name(int replica) const { return "rank " + std::to_string(rank(replica)); }
  void check_same(int replica, const Exchange::Operation& others, Collective kind, std::size_t size,
                  Lock& lock);

  const std::shared_ptr<Exchange> exchange_;
  const int count_;
  // Under the exchange's lock.
  Ticket first_ = 0;  // of the meetings kept
  std::deque<Meeting> meetings_;
  std::vector<Ticket> next_;  // by replica
  std::vector<Clock::time_point> done_ = std::vector<Clock::time_point>(times_kept);
};

Ticket Replicas::start(int replica, Collective kind, std::span<float> buffer) {
  check_size(kind, buffer.size(), world_size());
  Lock lock = exchange_->lock();
  if (exchange_->has_failed(lock)) exchange_->throw_failed(lock);
  while (!meetings_.empty() && meetings_.front().operation->complete) {
    done_[first_ % times_kept] = meetings_.front().operation->done;
    meetings_.pop_front();
    ++first_;
  }
  const auto index = static_cast<std::size_t>(replica);
  const Ticket ticket = next_[index];
  if (ticket == first_ + meetings_.size()) {
    Meeting meeting;
    meeting.operation = std::make_shared<Exchange::Operation>();
    meeting.operation->kind = kind;
    meeting.operation->size = buffer.size();
    meeting.operation->buffers.resize(next_.size());
    meeting.come.resize(next_.size());
    meetings_.push_back(std::move(meeting));
  }
  Meeting& meeting = at(ticket);
  check_same(replica, *meeting.operation, kind, buffer.size(), lock);
  ++next_[index];
  meeting.operation->buffers[index] = buffer.data();
  meeting.come[index] = true;
  if (++meeting.arrived == count_) {
    exchange_->submit(meeting.operation, lock);
    exchange_->notify(lock);
  }
  return ticket;
}

void Replicas::check_same(int replica, const Exchange::Operation& others, Collective kind,
                          std::size_t size, Lock& lock) {
  if (kind == others.kind && size == others.size) return;
  exchange_->fail(name(replica) + " came with " + describe(kind, size) + " where others do " +
                      describe(others.kind, others.size) +
                      ": every rank must do the same operations in the same order",
                  lock);
  exchange_->throw_failed(lock);
}

void Replicas::wait(int replica, Ticket ticket, std::chrono::milliseconds deadline) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365);
  const Clock::time_point until = Clock::now() + std::min(deadline, longest);
  Lock lock = exchange_->lock();
  if (ticket >= next_[static_cast<std::size_t>(replica)]) {
    throw Error(ErrorCode::invalid_argument, name(replica) + " waits for operation " +
                                                 std::to_string(ticket) +
                                                 ", which it has not started");
  }
  if (ticket < first_) return;
  const auto operation = at(ticket).operation;
  const auto all_here = [&] { return ticket < first_ || at(ticket).arrived == count_; };
  if (!exchange_->wait_locally(until, lock, all_here)) {
    const std::vector<bool>& come = at(ticket).come;
    const auto missing = std::find(come.begin(), come.end(), false) - come.begin();
    exchange_->fail(name(static_cast<int>(missing)) +
                        " is missing: it did not come to the exchange of gradients in time",
                    lock);
  }
  if (operation->complete) return;
  if (exchange_->has_failed(lock)) exchange_->throw_failed(lock);
  exchange_->wait(*operation, until, lock);
}

// Of what is long past, that of a later one.
Clock::time_point Replicas::done_at(Ticket ticket) const {
  const Lock lock = exchange_->lock();
  if (ticket >= first_) return meetings_[static_cast<std::size_t>(ticket - first_)].operation->done;
  const Ticket oldest = first_ > times_kept ? first_ - times_kept : 0;
  return done_[std::max(ticket, oldest) % times_kept];
}

void Replicas::check() {
  Lock lock = exchange_->lock();
  if (exchange_->has_failed(lock)) exchange_->throw_failed(lock);
}

void Replicas::fail(int replica, const char* how, const char* why, bool only_if_awaited) noexcept {
  const Lock lock = exchange_->lock();
  const bool awaited = std::any_of(meetings_.begin(), meetings_.end(), [](const Meeting& meeting) {
    return !meeting.operation->complete;
  });
  if (only_if_awaited && !awaited) return;
  try {
    exchange_->fail(name(replica) + how + why, lock);
  } catch (const std::exception&) {
    exchange_->fail({}, lock);
  }
}

class ReplicaCommunicator final : public Communicator {
 public:
  ReplicaCommunicator(std::shared_ptr<Replicas> replicas, int replica)
      : replicas_(std::move(replicas)), replica_(replica) {}
  ~ReplicaCommunicator() override { replicas_->fail(replica_, " has left", "", true); }
  ReplicaCommunicator(const ReplicaCommunicator&) = delete;
  ReplicaCommunicator& operator=(const ReplicaCommunicator&) = delete;

  int rank() const override { return replicas_->rank(replica_); }
  int world_size() const override { return replicas_->world_size(); }
  Ticket start(Collective operation, std::span<float> buffer) override {
    return replicas_->start(replica_, operation, buffer);
  }
  void wait(Ticket ticket, std::chrono::milliseconds deadline) override {
    replicas_->wait(replica_, ticket, deadline);
  }
  bool works_alone() const override { return true; }
  Clock::time_point done_at(Ticket ticket) const override { return replicas_->done_at(ticket); }
  void check() override { replicas_->check(); }
  void abort(const char* reason) noexcept override {
    replicas_->fail(replica_, " failed: ", reason, false);
  }

 private:
  std::shared_ptr<Replicas> replicas_;
  int replica_;
};

}  // namespace

ProcessGroup::ProcessGroup(OpenLink open, std::chrono::milliseconds deadline)
    : exchange_(std::make_shared<Exchange>(std::move(open), deadline)) {}
ProcessGroup::~ProcessGroup() = default;

int ProcessGroup::process() const { return exchange_->process(); }
int ProcessGroup::size() const { return exchange_->processes(); }
int ProcessGroup::local_size() const { return exchange_->local_processes(); }

std::vector<std::unique_ptr<Communicator>> ProcessGroup::make_communicators(int replicas) {
  if (size() == 1) return make_local_communicators(replicas);
  if (replicas < 1) {
    throw Error(ErrorCode::invalid_argument,
                std::to_string(replicas) + " replicas: there must be at least one");
  }
  const auto shared = std::make_shared<Replicas>(exchange_, replicas);
  std::vector<std::unique_ptr<Communicator>> communicators;
  for (int replica = 0; replica < replicas; ++replica) {
    communicators.push_back(std::make_unique<ReplicaCommunicator>(shared, replica));
  }
  return communicators;
}

void ProcessGroup::abort(const char* reason) noexcept {
  const Lock lock = exchange_->lock();
  try {
    exchange_->fail(reason, lock);
  } catch (const std::exception&) {
    exchange_->fail({}, lock);
  }
}

}  // namespace headrace
