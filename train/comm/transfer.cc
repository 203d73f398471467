#include "headrace/train/comm/transfer.h"

#include <algorithm>
#include <utility>

#include "headrace/train/comm/rank_order.h"

namespace headrace {
namespace {

constexpr std::size_t small = 4096;  // values: less than a round of messages costs

}  // namespace

Transfer::Transfer(Link& link, std::uint64_t number, Collective kind, std::size_t size,
                   std::vector<float*> buffers)
    : link_(link),
      number_(number),
      kind_(kind),
      size_(size),
      buffers_(std::move(buffers)),
      processes_(static_cast<std::size_t>(link.processes())),
      process_(static_cast<std::size_t>(link.process())),
      whole_(kind == Collective::all_gather ||
             (kind == Collective::all_reduce_sum && size <= small)),
      come_(processes_) {
  come_[process_] = true;
  send_values();
}

// Number 0 is that of the messages beside operations.
int Transfer::tag() const {
  return static_cast<int>(1 + number_ % 8192 * 2 + (stage_ == Stage::sums ? 1 : 0));
}

Transfer::Range Transfer::part_of(int process) const {
  // Whole cache lines.
  constexpr std::size_t line = 16;
  const std::size_t lines = (size_ + line - 1) / line;
  const auto begin = [&](std::size_t of) {
    return std::min(size_, lines * of / processes_ * line);
  };
  const auto index = static_cast<std::size_t>(process);
  return {begin(index), begin(index + 1) - begin(index)};
}

void Transfer::send(int peer, std::span<const float> values) {
  if (values.empty()) return;
  pending_.push_back({peer, link_.send(peer, tag(), std::as_bytes(values))});
}

void Transfer::receive(int peer, std::span<float> values) {
  if (values.empty()) return;
  pending_.push_back({peer, link_.receive(peer, tag(), std::as_writable_bytes(values))});
}

void Transfer::send_values() {
  if (kind_ == Collective::broadcast) {
    if (process_ != 0) return;
  } else if (whole_) {
    const std::size_t each =
        kind_ == Collective::all_gather ? size_ / (processes_ * replicas()) : size_;
    own_.reserve(each * replicas());
    for (std::size_t i = 0; i < replicas(); ++i) {
      const std::size_t rank = process_ * replicas() + i;
      const float* values = buffers_[i] + (kind_ == Collective::all_gather ? rank * each : 0);
      own_.insert(own_.end(), values, values + each);
    }
    received_.resize(own_.size() * processes_);
  } else {
    received_.resize(part_of(link_.process()).count * replicas() * processes_);
  }
  for (int peer = 0; peer < link_.processes(); ++peer) {
    if (peer == link_.process()) continue;
    if (kind_ == Collective::broadcast) {
      send(peer, {buffers_[0], size_});
    } else if (whole_) {
      send(peer, own_);
    } else {
      const Range part = part_of(peer);
      for (const float* buffer : buffers_) send(peer, {buffer + part.first, part.count});
    }
  }
}

std::span<float> Transfer::values_from(int peer) {
  const std::size_t each = received_.size() / processes_;
  return std::span(received_).subspan(each * static_cast<std::size_t>(peer), each);
}

void Transfer::peer_has_come(int peer) {
  come_[static_cast<std::size_t>(peer)] = true;
  if (kind_ == Collective::broadcast) {
    if (peer == 0) receive(peer, {buffers_[0], size_});
  } else if (whole_) {
    receive(peer, values_from(peer));
  } else {
    const std::span<float> values = values_from(peer);
    const std::size_t each = values.size() / replicas();
    for (std::size_t i = 0; i < replicas(); ++i) receive(peer, values.subspan(i * each, each));
  }
}

bool Transfer::all_have_come() const {
  return std::find(come_.begin(), come_.end(), false) == come_.end();
}

bool Transfer::waits_for(int peer) const {
  if (!come_[static_cast<std::size_t>(peer)]) return true;
  return std::any_of(pending_.begin(), pending_.end(),
                     [&](const Pending& pending) { return pending.peer == peer; });
}

bool Transfer::advance() {
  const std::size_t ended =
      std::erase_if(pending_, [&](const Pending& pending) { return link_.done(pending.request); });
  if (!pending_.empty() || !all_have_come()) return ended > 0;
  if (stage_ == Stage::values) {
    end_values();
  } else if (stage_ == Stage::sums) {
    share_among_replicas();
    stage_ = Stage::done;
  }
  return true;
}

void Transfer::end_values() {
  if (kind_ == Collective::all_gather) {
    gather();
  } else if (kind_ == Collective::all_reduce_sum) {
    const Range own = whole_ ? Range{0, size_} : part_of(link_.process());
    sum(own);
    if (!whole_) {
      stage_ = Stage::sums;
      for (int peer = 0; peer < link_.processes(); ++peer) {
        if (peer == link_.process()) continue;
        const Range part = part_of(peer);
        send(peer, {buffers_[0] + own.first, own.count});
        receive(peer, {buffers_[0] + part.first, part.count});
      }
      return;
    }
  }
  share_among_replicas();
  stage_ = Stage::done;
}

void Transfer::gather() {
  std::copy(own_.begin(), own_.end(), values_from(link_.process()).begin());
  std::copy(received_.begin(), received_.end(), buffers_[0]);
}

void Transfer::sum(Range range) {
  std::vector<const float*> rows;
  for (int process = 0; process < link_.processes(); ++process) {
    const std::span<float> values = values_from(process);
    for (std::size_t i = 0; i < replicas(); ++i) {
      rows.push_back(process == link_.process() ? buffers_[i] + range.first
                                                : values.data() + i * range.count);
    }
  }
  float* const to = buffers_[0] + range.first;
  sum_in_rank_order(rows, range.count, [&](std::size_t first, std::span<const float> values) {
    std::copy(values.begin(), values.end(), to + first);
  });
}

void Transfer::share_among_replicas() {
  for (std::size_t i = 1; i < replicas(); ++i) {
    std::copy_n(buffers_[0], size_, buffers_[i]);
  }
}

}  // namespace headrace
