#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/train/comm/collective.h"
#include "headrace/train/comm/rank_order.h"
#include "headrace/train/communicator.h"

namespace headrace {
namespace {

using Clock = std::chrono::steady_clock;
using Ticket = Communicator::Ticket;

struct Operation {
  Collective kind = Collective::all_reduce_sum;
  std::size_t size = 0;
  std::vector<float*> buffers;  // by rank
  std::vector<bool> come;       // by rank
  std::vector<bool> done;       // by rank: its part
  int arrived = 0;
  int finished = 0;
};

// Elements [first, last) of every buffer become the sum over ranks.
void sum_part(const std::vector<float*>& buffers, std::size_t first, std::size_t last) {
  std::vector<const float*> rows;
  for (const float* buffer : buffers) rows.push_back(buffer + first);
  sum_in_rank_order(rows, last - first, [&](std::size_t begin, std::span<const float> values) {
    for (float* buffer : buffers) {
      std::copy(values.begin(), values.end(), buffer + first + begin);
    }
  });
}

void broadcast_part(const std::vector<float*>& buffers, std::size_t first, std::size_t last) {
  for (std::size_t rank = 1; rank < buffers.size(); ++rank) {
    std::copy(buffers[0] + first, buffers[0] + last, buffers[rank] + first);
  }
}

// Every rank gives its part of its own buffer, and reads no other of it.
void gather_part(const std::vector<float*>& buffers, std::size_t rank, std::size_t size) {
  const std::size_t each = size / buffers.size();
  for (std::size_t to = 0; to < buffers.size(); ++to) {
    if (to != rank) std::copy_n(buffers[rank] + rank * each, each, buffers[to] + rank * each);
  }
}

// What the ranks share. A rank's part of an operation is the same elements of every buffer, read
// and written by that rank alone: so an operation needs two meetings, when all have come and when
// all are done, and no copies.
class Group {
 public:
  explicit Group(int world_size)
      : world_size_(world_size), next_ticket_(static_cast<std::size_t>(world_size), 0) {}

  int world_size() const { return world_size_; }
  Ticket start(int rank, Collective kind, std::span<float> buffer);
  void wait(int rank, Ticket ticket, std::chrono::milliseconds deadline);
  void check();
  // Ends every wait with an error, unless one has come before. Returns when no rank touches a
  // buffer any more.
  void fail(int rank, const char* how, const char* why) noexcept;

 private:
  using Lock = std::unique_lock<std::mutex>;

  Operation& at(Ticket ticket) { return operations_[static_cast<std::size_t>(ticket - first_)]; }
  bool complete(Ticket ticket) const { return ticket < first_; }
  void check_same(int rank, Ticket ticket, Collective kind, std::size_t size, Lock& lock);
  void do_part(int rank, Ticket ticket, Lock& lock);
  template <class Ready>
  void wait_for(Ticket ticket, Clock::time_point until, Lock& lock, Ready ready);
  void set_failed(std::string reason);
  [[noreturn]] void throw_failed(Lock& lock);
  std::string missing(Ticket ticket);

  const int world_size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Ticket first_ = 0;                  // the first operation that not every rank is done with
  std::deque<Operation> operations_;  // from first_ on
  std::vector<Ticket> next_ticket_;   // by rank
  int working_ = 0;                   // ranks that are at a part now
  bool failed_ = false;
  std::string reason_ = "a rank failed";
};

Ticket Group::start(int rank, Collective kind, std::span<float> buffer) {
  check_size(kind, buffer.size(), world_size_);
  Lock lock(mutex_);
  if (failed_) throw_failed(lock);
  const auto index = static_cast<std::size_t>(rank);
  const Ticket ticket = next_ticket_[index];
  if (ticket == first_ + operations_.size()) {
    const auto ranks = static_cast<std::size_t>(world_size_);
    operations_.push_back({.kind = kind,
                           .size = buffer.size(),
                           .buffers = std::vector<float*>(ranks),
                           .come = std::vector<bool>(ranks),
                           .done = std::vector<bool>(ranks)});
  }
  check_same(rank, ticket, kind, buffer.size(), lock);
  ++next_ticket_[index];
  at(ticket).buffers[index] = buffer.data();
  at(ticket).come[index] = true;
  if (++at(ticket).arrived == world_size_) changed_.notify_all();
  return ticket;
}

void Group::check() {
  Lock lock(mutex_);
  if (failed_) throw_failed(lock);
}

void Group::check_same(int rank, Ticket ticket, Collective kind, std::size_t size, Lock& lock) {
  const Operation& others = at(ticket);
  if (kind == others.kind && size == others.size) return;
  set_failed("rank " + std::to_string(rank) + " came with " + describe(kind, size) +
             " where others do " + describe(others.kind, others.size) +
             ": every rank must do the same operations in the same order");
  throw_failed(lock);
}

void Group::wait(int rank, Ticket ticket, std::chrono::milliseconds deadline) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365);
  const Clock::time_point until = Clock::now() + std::min(deadline, longest);
  Lock lock(mutex_);
  if (ticket >= next_ticket_[static_cast<std::size_t>(rank)]) {
    throw Error(ErrorCode::invalid_argument, "rank " + std::to_string(rank) +
                                                 " waits for operation " + std::to_string(ticket) +
                                                 ", which it has not started");
  }
  for (Ticket next = first_; next <= ticket; ++next) {
    wait_for(next, until, lock, [&] { return at(next).arrived == world_size_; });
    if (!complete(next)) do_part(rank, next, lock);
  }
  wait_for(ticket, until, lock, [] { return false; });
}

// Returns when the operation is complete or `ready`.
template <class Ready>
void Group::wait_for(Ticket ticket, Clock::time_point until, Lock& lock, Ready ready) {
  const auto over = [&] { return complete(ticket) || failed_ || ready(); };
  const bool in_time = changed_.wait_until(lock, until, over);
  if (complete(ticket)) return;
  if (!in_time) set_failed(missing(ticket));
  if (failed_) throw_failed(lock);
}

void Group::do_part(int rank, Ticket ticket, Lock& lock) {
  Operation& operation = at(ticket);
  const auto index = static_cast<std::size_t>(rank);
  if (operation.done[index]) return;
  const auto ranks = static_cast<std::size_t>(world_size_);
  // Whole cache lines, so that two ranks do not write to one.
  constexpr std::size_t line = 16;
  const std::size_t lines = (operation.size + line - 1) / line;
  const std::size_t first = std::min(operation.size, lines * index / ranks * line);
  const std::size_t last = std::min(operation.size, lines * (index + 1) / ranks * line);

  ++working_;
  lock.unlock();
  switch (operation.kind) {
    case Collective::broadcast: broadcast_part(operation.buffers, first, last); break;
    case Collective::all_gather: gather_part(operation.buffers, index, operation.size); break;
    case Collective::all_reduce_sum: sum_part(operation.buffers, first, last); break;
  }
  lock.lock();
  operation.done[index] = true;
  --working_;
  if (++operation.finished == world_size_) {
    operations_.pop_front();  // every rank goes through them in order, so this is the first
    ++first_;
    changed_.notify_all();
  } else if (failed_) {
    changed_.notify_all();
  }
}

// Which rank keeps the others waiting.
std::string Group::missing(Ticket ticket) {
  const Operation& operation = at(ticket);
  int rank = 0;
  while (rank + 1 < world_size_) {
    const auto index = static_cast<std::size_t>(rank);
    const bool is_missing =
        operation.arrived < world_size_ ? !operation.come[index] : !operation.done[index];
    if (is_missing) break;
    ++rank;
  }
  return "rank " + std::to_string(rank) +
         " is missing: it did not come to the exchange of gradients in time";
}

void Group::set_failed(std::string reason) {
  if (failed_) return;
  failed_ = true;
  reason_ = std::move(reason);
  changed_.notify_all();
}

void Group::throw_failed(Lock& lock) {
  changed_.wait(lock, [&] { return working_ == 0; });  // adding up ends by itself
  throw Error(ErrorCode::backend, reason_);
}

void Group::fail(int rank, const char* how, const char* why) noexcept {
  Lock lock(mutex_);
  std::string reason;
  try {
    reason = "rank " + std::to_string(rank) + how + why;
  } catch (const std::bad_alloc&) {
    reason = "a rank failed";
  }
  set_failed(std::move(reason));
  changed_.wait(lock, [&] { return working_ == 0; });
}

class LocalCommunicator final : public Communicator {
 public:
  LocalCommunicator(std::shared_ptr<Group> group, int rank)
      : group_(std::move(group)), rank_(rank) {}
  ~LocalCommunicator() override { group_->fail(rank_, " has left", ""); }
  LocalCommunicator(const LocalCommunicator&) = delete;
  LocalCommunicator& operator=(const LocalCommunicator&) = delete;

  int rank() const override { return rank_; }
  int world_size() const override { return group_->world_size(); }
  Ticket start(Collective operation, std::span<float> buffer) override {
    return group_->start(rank_, operation, buffer);
  }
  void wait(Ticket ticket, std::chrono::milliseconds deadline) override {
    group_->wait(rank_, ticket, deadline);
  }
  void check() override { group_->check(); }
  void abort(const char* reason) noexcept override { group_->fail(rank_, " failed: ", reason); }

 private:
  std::shared_ptr<Group> group_;
  int rank_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_local_communicators(int world_size) {
  if (world_size < 1) {
    throw Error(ErrorCode::invalid_argument,
                std::to_string(world_size) + " ranks: there must be at least one");
  }
  const auto group = std::make_shared<Group>(world_size);
  std::vector<std::unique_ptr<Communicator>> communicators;
  for (int rank = 0; rank < world_size; ++rank) {
    communicators.push_back(std::make_unique<LocalCommunicator>(group, rank));
  }
  return communicators;
}

}  // namespace headrace
