#include "headrace/train/device_threads.h"

#include <algorithm>
#include <utility>

namespace headrace {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

}  // namespace

DeviceThreads::DeviceThreads(std::size_t devices) : under_way_(devices, none) {
  threads_.reserve(devices);
  for (std::size_t device = 0; device < devices; ++device) {
    threads_.emplace_back([this, device] { loop(device); });
  }
}

DeviceThreads::~DeviceThreads() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void DeviceThreads::loop(std::size_t device) {
  std::unique_lock lock(mutex_);
  for (std::size_t seen = 0;;) {
    changed_.wait(lock, [&] { return quit_ || calls_ != seen; });
    if (quit_) return;
    seen = calls_;
    take_turns(device, lock);
    --busy_;
    changed_.notify_all();
  }
}

bool DeviceThreads::is_ready(const Turn& turn) const {
  return std::all_of(turn.after.begin(), turn.after.end(),
                     [&](std::size_t other) { return done_[other]; });
}

void DeviceThreads::take_turns(std::size_t device, std::unique_lock<std::mutex>& lock) {
  for (std::size_t number = 0; number < turns_->size(); ++number) {
    const Turn& turn = (*turns_)[number];
    if (turn.device != device) continue;
    changed_.wait(lock, [&] { return error_ != nullptr || is_ready(turn); });
    if (error_ != nullptr) return;
    under_way_[device] = number;
    lock.unlock();
    std::exception_ptr error;
    bool is_ended = false;
    try {
      turn.work();
    } catch (const Ended&) {
      is_ended = true;
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    under_way_[device] = none;
    if (is_ended) return;
    if (error != nullptr) {
      fail(number, error);
      return;
    }
    done_[number] = true;
    changed_.notify_all();
  }
}

// The first of the turns counts, whichever failed sooner.
void DeviceThreads::fail(std::size_t turn, std::exception_ptr error) {
  if (failed_ && *failed_ <= turn) return;
  failed_ = turn;
  error_ = std::move(error);
  changed_.notify_all();
}

void DeviceThreads::on_caller(const std::function<void()>& call) {
  std::unique_lock lock(mutex_);
  const auto self = std::find_if(threads_.begin(), threads_.end(), [](const std::thread& thread) {
    return thread.get_id() == std::this_thread::get_id();
  });
  const std::size_t turn = under_way_.at(static_cast<std::size_t>(self - threads_.begin()));
  Request request;
  request.call = &call;
  requests_[turn] = &request;
  changed_.notify_all();
  // What is taken is waited for: it works on this turn's memory.
  changed_.wait(lock,
                [&] { return request.is_answered || (error_ != nullptr && !request.is_taken); });
  if (!request.is_answered) {
    requests_[turn] = nullptr;
    throw Ended();
  }
  if (request.error != nullptr) std::rethrow_exception(request.error);
}

// Makes the calls that the turn asks for until it is done.
void DeviceThreads::serve(std::size_t turn, std::unique_lock<std::mutex>& lock) {
  for (;;) {
    changed_.wait(lock,
                  [&] { return error_ != nullptr || done_[turn] || requests_[turn] != nullptr; });
    if (error_ != nullptr || done_[turn]) return;
    Request& request = *std::exchange(requests_[turn], nullptr);
    request.is_taken = true;
    lock.unlock();
    std::exception_ptr error;
    try {
      (*request.call)();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    request.error = error;
    request.is_answered = true;
    changed_.notify_all();
  }
}

void DeviceThreads::end(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return busy_ == 0; });
  turns_ = nullptr;
}

void DeviceThreads::run(const std::vector<Turn>& turns,
                        const std::function<void(std::size_t)>& done) {
  std::unique_lock lock(mutex_);
  turns_ = &turns;
  done_.assign(turns.size(), false);
  requests_.assign(turns.size(), nullptr);
  error_ = nullptr;
  failed_.reset();
  busy_ = threads_.size();
  ++calls_;
  changed_.notify_all();
  for (std::size_t number = 0; number < turns.size() && error_ == nullptr; ++number) {
    serve(number, lock);
    if (error_ != nullptr) break;
    lock.unlock();
    std::exception_ptr error;
    try {
      done(number);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error != nullptr) fail(number, error);
  }
  end(lock);
  if (error_ != nullptr) std::rethrow_exception(error_);
}

}  // namespace headrace
