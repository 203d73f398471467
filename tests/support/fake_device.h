#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "headrace/pipeline/device.h"

namespace headrace::fake {

// A device whose streams are threads and whose memory is the host's. It finds out, when work is
// given to it and so whatever the timing, whether two pieces of it that touch the same memory could
// run at the same time; and, when it is done, whether memory it touches is still there.
class FakeDevice final : public Device {
 public:
  FakeDevice() = default;
  ~FakeDevice() override;

  // Set before the device is used.
  std::function<void()> before_work;                   // on the stream's thread: delays
  std::function<void(const DeviceRender&)> make_rows;  // what render() does
  bool has_pinned_memory = true;
  std::int64_t fail_at_call = -1;  // the call, counted from 0, that throws; -1: none

  std::int64_t calls() const;
  std::size_t bytes() const;  // that were not given back
  std::vector<std::string> misuses() const;

  std::string name() const override { return "a fake GPU"; }
  int index() const override { return 0; }
  std::byte* allocate(std::size_t bytes) override { return make_block(bytes, "allocating memory"); }
  void deallocate(std::byte* memory) noexcept override { end_block(memory); }
  std::byte* allocate_pinned(std::size_t bytes) override {
    return has_pinned_memory ? make_block(bytes, "pinning memory") : nullptr;
  }
  void deallocate_pinned(std::byte* memory) noexcept override { end_block(memory); }
  Stream make_stream() override;
  void destroy_stream(Stream stream) noexcept override;
  Event make_event() override;
  void destroy_event(Event) noexcept override {}  // kept: pending work may speak of it
  void copy_to_device(std::byte* to, const std::byte* from, std::size_t bytes,
                      Stream stream) override;
  void copy_to_host(std::byte* to, const std::byte* from, std::size_t bytes,
                    Stream stream) override;
  void copy_on_device(std::byte* to, const std::byte* from, std::size_t bytes,
                      Stream stream) override;
  void render(const DeviceRender& wanted, Stream stream) override;
  void record(Event event, Stream stream) override;
  void wait(Stream stream, Event event) override;
  bool is_done(Event event) override;

 private:
  using Clock = std::map<std::size_t, std::uint64_t>;  // by stream: how much of its work is done
  struct Queue {
    std::size_t number = 0;
    std::thread thread;
    std::deque<std::function<void()>> work;
    bool stops = false;
    std::uint64_t time = 0;  // pieces of work given
    Clock known;             // of other streams, that comes before what is given next
  };
  struct Mark {
    std::uint64_t recorded = 0;
    std::uint64_t done = 0;
    Clock clock;
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

  void count_call(const char* what);
  std::byte* make_block(std::size_t bytes, const char* what);
  void end_block(std::byte* memory) noexcept;
  bool is_live(const std::byte* data, std::size_t bytes) const;
  void give(const char* what, Stream stream, const std::vector<Access>& device,
            const std::vector<Access>& host, std::function<void()> task);
  void check_order(const char* what, const Queue& queue, const std::vector<Access>& accesses);
  bool check_lives(const char* what, const std::vector<Access>& accesses);
  void work(Queue& queue);
  void stop(Queue& queue) noexcept;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<Queue*, std::unique_ptr<Queue>> streams_;
  std::vector<std::unique_ptr<Mark>> events_;
  std::vector<std::vector<std::byte>> blocks_;  // kept while the device lives
  std::map<const std::byte*, std::size_t> live_;
  std::size_t live_bytes_ = 0;
  std::vector<Past> past_;
  std::vector<std::string> misuses_;
  std::int64_t calls_ = 0;
};

}  // namespace headrace::fake
