#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/pipeline/device.h"
#include "headrace/pipeline/device_stage.h"
#include "headrace/pipeline/error.h"

namespace headrace::fake {

// A device whose streams are threads and whose memory is the host's. It finds out, when work is
// given to it and so whatever the timing, whether two pieces of it that touch the same memory could
// run at the same time; and, when it is done, whether memory it touches is still there.
class FakeDevice final : public Device {
 public:
  FakeDevice() = default;
  ~FakeDevice() override {
    for (auto& [handle, stream] : streams_) stop(*stream);
  }

  // Set before the device is used.
  std::function<void()> before_work;                   // on the stream's thread: delays
  std::function<void(const DeviceRender&)> make_rows;  // what render() does
  bool has_pinned_memory = true;
  std::int64_t fail_at_call = -1;  // the call, counted from 0, that throws; -1: none

  std::int64_t calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return live_bytes_;
  }
  std::vector<std::string> misuses() const {
    const std::lock_guard lock(mutex_);
    return misuses_;
  }

  std::string name() const override { return "a fake GPU"; }
  int index() const override { return 0; }

  std::byte* allocate(std::size_t bytes) override { return make_block(bytes, false); }
  void deallocate(std::byte* memory) noexcept override { end_block(memory); }
  std::byte* allocate_pinned(std::size_t bytes) override {
    return has_pinned_memory ? make_block(bytes, true) : nullptr;
  }
  void deallocate_pinned(std::byte* memory) noexcept override { end_block(memory); }

  Stream make_stream() override {
    count_call("making a stream");
    const std::lock_guard lock(mutex_);
    auto stream = std::make_unique<Queue>();
    stream->number = streams_.size();
    stream->thread = std::thread([this, own = stream.get()] { work(*own); });
    Queue* const handle = stream.get();
    streams_[handle] = std::move(stream);
    return handle;
  }
  void destroy_stream(Stream stream) noexcept override { stop(*static_cast<Queue*>(stream)); }
  Event make_event() override {
    count_call("making an event");
    const std::lock_guard lock(mutex_);
    events_.push_back(std::make_unique<Mark>());
    return events_.back().get();
  }
  void destroy_event(Event) noexcept override {}  // kept: pending work may speak of it

  void copy_to_device(std::byte* to, const std::byte* from, std::size_t bytes,
                      Stream stream) override {
    give("copying to the device", stream, {{to, bytes, true}}, {{from, bytes}},
         [=] { std::memcpy(to, from, bytes); });
  }
  void copy_to_host(std::byte* to, const std::byte* from, std::size_t bytes,
                    Stream stream) override {
    give("copying to the host", stream, {{from, bytes, false}}, {},
         [=] { std::memcpy(to, from, bytes); });
  }
  void copy_on_device(std::byte* to, const std::byte* from, std::size_t bytes,
                      Stream stream) override {
    give("copying on the device", stream, {{from, bytes, false}, {to, bytes, true}}, {},
         [=] { std::memcpy(to, from, bytes); });
  }
  // Of the stage only what lies on the device is kept, as a kernel's arguments are.
  void render(const DeviceRender& wanted, Stream stream) override {
    const std::size_t rows = static_cast<std::size_t>(wanted.count) * wanted.row_bytes;
    give("making rows", stream,
         {{wanted.rows, rows, false}, {wanted.target.data, wanted.target.bytes, true}}, {},
         [this, wanted, stage = *wanted.stage] {
           DeviceRender job = wanted;
           job.stage = &stage;
           make_rows(job);
         });
  }

  void record(Event event, Stream stream) override {
    count_call("recording an event");
    auto& mark = *static_cast<Mark*>(event);
    auto& queue = *static_cast<Queue*>(stream);
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = ++mark.recorded;
    mark.clock = clock_of(queue);
    queue.work.push_back([this, &mark, number] {
      const std::lock_guard inner(mutex_);
      mark.done = std::max(mark.done, number);
      changed_.notify_all();
    });
    changed_.notify_all();
  }
  void wait(Stream stream, Event event) override {
    count_call("waiting for an event");
    auto& mark = *static_cast<Mark*>(event);
    auto& queue = *static_cast<Queue*>(stream);
    const std::lock_guard lock(mutex_);
    for (const auto& [number, time] : mark.clock) {
      queue.known[number] = std::max(queue.known[number], time);
    }
    queue.work.push_back([this, &mark, target = mark.recorded] {
      std::unique_lock inner(mutex_);
      changed_.wait(inner, [&] { return mark.done >= target; });
    });
    changed_.notify_all();
  }
  bool is_done(Event event) override {
    count_call("asking for an event");
    const auto& mark = *static_cast<const Mark*>(event);
    const std::lock_guard lock(mutex_);
    return mark.done >= mark.recorded;
  }

 private:
  using Clock = std::map<std::size_t, std::uint64_t>;  // by stream: work that has been done
  struct Queue {
    std::size_t number = 0;
    std::thread thread;
    std::deque<std::function<void()>> work;
    bool stops = false;
    std::uint64_t time = 0;  // pieces of work given
    Clock known;             // of other streams, that come before what is given next
  };
  struct Mark {
    std::uint64_t recorded = 0;
    std::uint64_t done = 0;
    Clock clock;
  };
  struct Block {
    std::vector<std::byte> bytes;
  };
  struct Access {
    const std::byte* data;
    std::size_t bytes;
    bool writes = false;
  };
  struct Past {
    Access access;
    std::size_t stream;
    std::uint64_t time;
  };

  void count_call(const char* what) {
    const std::lock_guard lock(mutex_);
    if (calls_++ == fail_at_call) {
      throw Error(ErrorCode::backend, std::string("a fake GPU: ") + what + ": made to fail");
    }
  }

  std::byte* make_block(std::size_t bytes, bool pinned) {
    count_call(pinned ? "pinning memory" : "allocating memory");
    const std::lock_guard lock(mutex_);
    // Aligned as CUDA's; never given back to the system while the device lives.
    auto block = std::make_unique<Block>();
    block->bytes.assign(bytes + 256, std::byte{0xCD});
    const auto address = reinterpret_cast<std::uintptr_t>(block->bytes.data());
    std::byte* const data = block->bytes.data() + (256 - address % 256) % 256;
    live_[data] = bytes;
    live_bytes_ += bytes;
    blocks_.push_back(std::move(block));
    return data;
  }
  void end_block(std::byte* memory) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(memory);
    if (found == live_.end()) {
      misuses_.push_back("memory given back that is not there");
      return;
    }
    live_bytes_ -= found->second;
    std::memset(memory, 0xEE, found->second);
    live_.erase(found);
  }
  bool is_live(const std::byte* data, std::size_t bytes) const {
    auto above = live_.upper_bound(data);
    if (above == live_.begin()) return false;
    --above;
    return data + bytes <= above->first + above->second;
  }

  Clock clock_of(const Queue& queue) const {
    Clock clock = queue.known;
    clock[queue.number] = queue.time;
    return clock;
  }

  void give(const char* what, Stream stream, std::vector<Access> device, std::vector<Access> host,
            std::function<void()> task) {
    count_call(what);
    auto& queue = *static_cast<Queue*>(stream);
    const std::lock_guard lock(mutex_);
    ++queue.time;
    for (const Access& access : device) {
      for (const Past& past : past_) {
        const bool apart = access.data + access.bytes <= past.access.data ||
                           past.access.data + past.access.bytes <= access.data;
        if (apart || past.stream == queue.number || !(access.writes || past.access.writes)) {
          continue;
        }
        const auto known = queue.known.find(past.stream);
        if (known == queue.known.end() || known->second < past.time) {
          misuses_.push_back(std::string(what) + " without waiting for another stream");
        }
      }
    }
    for (const Access& access : device) past_.push_back({access, queue.number, queue.time});
    std::vector<Access> all = std::move(device);
    for (const Access& access : host) {
      // Host memory that was never the device's (not pinned) is not followed.
      if (is_live(access.data, access.bytes)) all.push_back(access);
    }
    queue.work.push_back([this, what, all = std::move(all), task = std::move(task)] {
      if (before_work) before_work();
      {
        const std::lock_guard inner(mutex_);
        for (const Access& access : all) {
          if (is_live(access.data, access.bytes)) continue;
          misuses_.push_back(std::string(what) + ": memory that is not there any more");
          return;
        }
      }
      task();
    });
    changed_.notify_all();
  }

  void work(Queue& queue) {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return queue.stops || !queue.work.empty(); });
        if (queue.work.empty()) return;
        task = std::move(queue.work.front());
        queue.work.pop_front();
      }
      task();
    }
  }
  // After what it was given.
  void stop(Queue& queue) noexcept {
    {
      const std::lock_guard lock(mutex_);
      queue.stops = true;
      changed_.notify_all();
    }
    if (queue.thread.joinable()) queue.thread.join();
  }

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<Queue*, std::unique_ptr<Queue>> streams_;
  std::vector<std::unique_ptr<Mark>> events_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::map<const std::byte*, std::size_t> live_;
  std::size_t live_bytes_ = 0;
  std::vector<Past> past_;
  std::vector<std::string> misuses_;
  std::int64_t calls_ = 0;
};

}  // namespace headrace::fake
