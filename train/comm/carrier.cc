#include "headrace/train/comm/carrier.h"

#include <algorithm>
#include <stdexcept>

#include "headrace/train/comm/collective.h"

namespace headrace {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t most_moving = 256;  // tags tell so many operations apart, and more
constexpr auto last_words = milliseconds(300);

[[noreturn]] void give_up(const std::string& reason) { throw std::runtime_error(reason); }

}  // namespace

void Exchange::Carrier::meet(Clock::time_point until) {
  for (;;) {
    const bool moved = peers_.poll();
    check_peers();
    int peer = 0;
    while (peer < link_.processes() && peers_.has_met(peer)) ++peer;
    if (peer == link_.processes()) return;
    if (Clock::now() > until) give_up(rank_of(peer) + " has not come to the beginning in time");
    rest(moved);
  }
}

void Exchange::Carrier::carry() {
  for (;;) {
    {
      const Lock lock(shared_.mutex);
      if (shared_.failed) give_up(shared_.reason);
      if (shared_.closing && moving_.empty() && shared_.submitted.empty()) return;
    }
    bool moved = peers_.poll();
    moved |= take_submitted();
    moved |= match();
    moved |= advance();
    check_peers();
    check_overdue();
    rest(moved);
  }
}

bool Exchange::Carrier::take_submitted() {
  bool any = false;
  while (moving_.size() < most_moving) {
    std::shared_ptr<Operation> operation;
    {
      const Lock lock(shared_.mutex);
      if (shared_.submitted.empty()) break;
      operation = std::move(shared_.submitted.front());
      shared_.submitted.pop_front();
    }
    any = true;
    replicas_ = operation->buffers.size();
    const std::uint64_t number = next_++;
    peers_.announce({number, operation->kind, operation->size,
                     static_cast<std::uint32_t>(operation->buffers.size())});
    Transfer transfer(link_, number, operation->kind, operation->size, operation->buffers);
    std::vector<bool> come(static_cast<std::size_t>(link_.processes()));
    come[static_cast<std::size_t>(link_.process())] = true;
    moving_.push_back({number, std::move(operation), std::move(transfer), std::move(come)});
  }
  return any;
}

bool Exchange::Carrier::match() {
  bool any = false;
  for (Moving& moving : moving_) any |= match(moving);
  return any;
}

// Announcements come in the order of operations, and are asked for in that order.
bool Exchange::Carrier::match(Moving& moving) {
  bool any = false;
  for (int peer = 0; peer < link_.processes(); ++peer) {
    const auto index = static_cast<std::size_t>(peer);
    if (moving.come[index]) continue;
    const auto theirs = peers_.next_announcement(peer);
    if (!theirs) continue;
    const Operation& ours = *moving.operation;
    if (theirs->replicas != ours.buffers.size()) {
      give_up(rank_of(peer) + " has " + std::to_string(theirs->replicas) + " replicas where " +
              rank_of(link_.process()) + " has " + std::to_string(ours.buffers.size()) +
              ": every process must have as many");
    }
    if (theirs->kind != ours.kind || theirs->size != ours.size) {
      give_up(rank_of(peer) + " came with " +
              describe(theirs->kind, static_cast<std::size_t>(theirs->size)) + " where " +
              rank_of(link_.process()) + " does " + describe(ours.kind, ours.size) +
              ": every rank must do the same operations in the same order");
    }
    moving.come[index] = true;
    moving.transfer.peer_has_come(peer);
    any = true;
  }
  return any;
}

bool Exchange::Carrier::advance() {
  bool any = false;
  bool completed = false;
  for (auto moving = moving_.begin(); moving != moving_.end();) {
    any |= moving->transfer.advance();
    if (!moving->transfer.done()) {
      ++moving;
      continue;
    }
    const Lock lock(shared_.mutex);
    moving->operation->complete = true;
    moving->operation->done = Clock::now();
    completed = true;
    moving = moving_.erase(moving);
  }
  if (completed) shared_.changed.notify_all();
  return any;
}

void Exchange::Carrier::check_peers() {
  if (peers_.failure()) give_up(*peers_.failure());
  for (int peer = 0; peer < link_.processes(); ++peer) {
    if (!peers_.has_left(peer) || peer == link_.process()) continue;
    for (const Moving& moving : moving_) {
      if (!moving.come[static_cast<std::size_t>(peer)]) give_up(rank_of(peer) + " has left");
    }
  }
}

void Exchange::Carrier::check_overdue() {
  const Lock lock(shared_.mutex);
  const auto overdue = [](const Moving& moving) { return moving.operation->overdue; };
  if (std::any_of(moving_.begin(), moving_.end(), overdue) ||
      std::any_of(shared_.submitted.begin(), shared_.submitted.end(),
                  [](const auto& operation) { return operation->overdue; })) {
    give_up(missing(moving_.front()));
  }
}

std::string Exchange::Carrier::rank_of(int process) const {
  const auto first = static_cast<std::size_t>(process) * replicas_;
  if (replicas_ == 1) return "rank " + std::to_string(first);
  return "ranks " + std::to_string(first) + " to " + std::to_string(first + replicas_ - 1);
}

// Who keeps the others waiting: one of which nothing is heard, before one that is only late, before
// one that may itself be waiting.
std::string Exchange::Carrier::missing(const Moving& moving) const {
  int found = link_.process();
  int weight = 0;
  for (int peer = 0; peer < link_.processes(); ++peer) {
    if (!moving.transfer.waits_for(peer)) continue;
    int own = 1;
    if (!moving.come[static_cast<std::size_t>(peer)]) own += 1;
    if (peers_.is_silent(peer)) own += 2;
    if (own > weight) {
      weight = own;
      found = peer;
    }
  }
  return rank_of(found) + " is missing: it did not come to the exchange of gradients in time" +
         (peers_.is_silent(found) ? ", and nothing is heard of it" : "") + " (" +
         peers_.place(found) + ")";
}

// The less happens, the more rarely the thread looks; new operations wake it.
void Exchange::Carrier::rest(bool moved) {
  if (moved) {
    idle_rounds_ = 0;
    return;
  }
  ++idle_rounds_;
  microseconds pause = milliseconds(5);
  if (!moving_.empty()) {
    if (idle_rounds_ < 4) return std::this_thread::yield();
    pause = microseconds(std::min(200, 10 * idle_rounds_));
  }
  Lock lock(shared_.mutex);
  shared_.wake.wait_for(lock, pause, [&] {
    return (!shared_.submitted.empty() && moving_.size() < most_moving) || shared_.failed ||
           (shared_.closing && shared_.met);
  });
}

void Exchange::Carrier::leave(Clock::time_point until) {
  peers_.say_leaving();
  const auto first_here = [&] {
    int peer = 0;
    while (peer < link_.processes() && peers_.has_left(peer)) ++peer;
    return peer;
  };
  for (;;) {
    bool moved = false;
    try {
      moved = peers_.poll();
    } catch (const std::exception&) {
      if (first_here() < link_.processes()) throw;  // else who has left may be gone
      return;
    }
    check_peers();
    const int peer = first_here();
    if (peer == link_.processes() && peers_.all_is_sent()) return;
    if (Clock::now() > until) give_up(rank_of(peer) + " has not come to the end in time");
    if (!moved) std::this_thread::sleep_for(milliseconds(1));
  }
}

void Exchange::Carrier::fail(const std::string& reason) noexcept {
  try {
    const auto until = Clock::now() + last_words;
    peers_.say_failed(reason);
    while (!peers_.all_is_sent() && Clock::now() < until) {
      peers_.poll();
      std::this_thread::sleep_for(microseconds(100));
    }
  } catch (const std::exception&) {
    // Who cannot be told will miss this process.
  }
  link_.cancel_all();
}

}  // namespace headrace
