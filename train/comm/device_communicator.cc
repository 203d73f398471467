#include "headrace/train/comm/device_communicator.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t times_kept = 4096;
constexpr std::size_t text_bytes = 256;  // of what ranks tell each other
constexpr milliseconds hearing(1'000);   // for the processes to know who is lost
constexpr milliseconds answer(2'000);    // for those who live
// A step is over sooner than a sleeping thread wakes; what takes longer may cost a little more.
constexpr std::chrono::microseconds awake(200), nap(50);

// What each rank says, by rank: at most text_bytes - 1 each.
std::vector<std::string> gather(Communicator& processes, const std::string& own,
                                milliseconds deadline) {
  constexpr std::size_t floats = text_bytes / sizeof(float);
  const auto ranks = static_cast<std::size_t>(processes.world_size());
  std::vector<float> all(floats * ranks);
  auto* const bytes = reinterpret_cast<std::byte*>(all.data());
  std::byte* const mine = bytes + text_bytes * static_cast<std::size_t>(processes.rank());
  const std::size_t size = std::min(own.size(), text_bytes - 1);
  mine[0] = static_cast<std::byte>(size);
  std::memcpy(mine + 1, own.data(), size);
  processes.wait(processes.start(Collective::all_gather, all), deadline);
  std::vector<std::string> texts;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const std::byte* const text = bytes + text_bytes * rank;
    texts.emplace_back(reinterpret_cast<const char*>(text + 1), static_cast<std::size_t>(text[0]));
  }
  return texts;
}

// Why they cannot go from device to device; nothing if they can. The same on all ranks.
std::string obstacle(const std::vector<std::string>& devices) {
  for (std::size_t rank = 0; rank < devices.size(); ++rank) {
    if (devices[rank].empty()) return "rank " + std::to_string(rank) + " cannot";
    const auto other = std::find(devices.begin(), devices.end(), devices[rank]) - devices.begin();
    if (static_cast<std::size_t>(other) == rank) continue;
    return "rank " + std::to_string(other) + " and rank " + std::to_string(rank) + " share a GPU";
  }
  return {};
}

}  // namespace

std::unique_ptr<Communicator> DeviceCommunicator::make(std::unique_ptr<Communicator> processes,
                                                       std::unique_ptr<DeviceLink> link,
                                                       milliseconds deadline, std::string& why) {
  if (processes->world_size() == 1) return processes;
  const std::string own = link == nullptr ? "" : link->device();
  why = obstacle(gather(*processes, own, deadline));
  if (!why.empty()) return processes;
  std::unique_ptr<DeviceCommunicator> made(
      new DeviceCommunicator(std::move(processes), std::move(link)));
  made->join(deadline);
  return made;
}

DeviceCommunicator::~DeviceCommunicator() = default;

void DeviceCommunicator::join(milliseconds deadline) {
  std::string id;
  std::string failure;
  try {
    if (rank() == 0) id = link_->make_id();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  id = gather(*processes_, id, deadline)[0];
  if (!failure.empty()) tell(failure);
  if (id.empty()) fail("rank 0 cannot say how GPUs find each other");
  try {
    link_->join(id, rank(), world_size());
  } catch (const std::exception& error) {
    fail(error.what());
  }
  poll([&] { return link_->is_joined(); }, "GPUs did not find each other", deadline);
  // Who has not got here is late for all. One that gives up comes here too, and is to be heard.
  gather(*processes_, "", deadline + answer);
}

template <class Question>
void DeviceCommunicator::poll(Question question, const char* what, milliseconds deadline) {
  const auto begun = Clock::now();
  for (;;) {
    std::string failure;
    try {
      if (question()) return;
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (!failure.empty()) fail(failure);
    try {
      processes_->check();
    } catch (const Error&) {
      link_->abort();
      throw;
    }
    const auto waited = Clock::now() - begun;
    if (waited >= deadline) {
      fail_late(std::string(what) + " within " + std::to_string(deadline.count()) + " ms");
    }
    if (waited >= awake) {
      std::this_thread::sleep_for(nap);
    } else {
      std::this_thread::yield();
    }
  }
}

// Where a link breaks, a rank may be lost: the processes then name it.
void DeviceCommunicator::fail(const std::string& what) {
  link_->abort();
  for (const auto until = Clock::now() + hearing; Clock::now() < until;) {
    processes_->check();
    std::this_thread::sleep_for(milliseconds(10));
  }
  tell(what);
}

void DeviceCommunicator::tell(const std::string& what) {
  processes_->abort(what.c_str());
  throw Error(ErrorCode::backend, "rank " + std::to_string(rank()) + ": " + what);
}

// All who live have waited as long, and come here: who does not is named.
void DeviceCommunicator::fail_late(const std::string& what) {
  link_->abort();
  gather(*processes_, "", answer);
  tell(what);
}

Communicator::Ticket DeviceCommunicator::start(Collective operation, std::span<float> buffer) {
  Operation begun;
  begun.on_device = operation == Collective::all_reduce_sum && link_->holds(buffer.data());
  if (begun.on_device) {
    std::optional<std::string> failure;
    try {
      begun.request = link_->add_up(buffer);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (failure) fail(*failure);
  } else {
    begun.ticket = processes_->start(operation, buffer);
  }
  under_way_.emplace(next_, begun);
  return next_++;
}

void DeviceCommunicator::wait(Ticket ticket, milliseconds deadline) {
  const auto found = under_way_.find(ticket);
  if (found == under_way_.end()) {
    if (ticket < next_) return;
    throw Error(ErrorCode::invalid_argument, "rank " + std::to_string(rank()) +
                                                 " waits for operation " + std::to_string(ticket) +
                                                 ", which it has not started");
  }
  const Operation operation = found->second;
  if (operation.on_device) {
    poll([&] { return link_->done(operation.request); }, "GPUs did not add up their gradients",
         deadline);
    done_[ticket] = Clock::now();
  } else {
    processes_->wait(operation.ticket, deadline);
    done_[ticket] = processes_->done_at(operation.ticket);
  }
  under_way_.erase(ticket);
  if (done_.size() > times_kept) done_.erase(done_.begin());
}

Communicator::Clock::time_point DeviceCommunicator::done_at(Ticket ticket) const {
  const auto found = done_.find(ticket);
  return found == done_.end() ? Clock::now() : found->second;
}

void DeviceCommunicator::abort(const char* reason) noexcept {
  link_->abort();
  processes_->abort(reason);
}

}  // namespace headrace
