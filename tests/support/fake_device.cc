#include "fake_device.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "headrace/pipeline/device_stage.h"
#include "headrace/pipeline/error.h"

namespace headrace::fake {

FakeDevice::~FakeDevice() {
  for (auto& [handle, stream] : streams_) stop(*stream);
}

std::int64_t FakeDevice::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::size_t FakeDevice::bytes() const {
  const std::lock_guard lock(mutex_);
  return live_bytes_;
}

std::vector<std::string> FakeDevice::misuses() const {
  const std::lock_guard lock(mutex_);
  return misuses_;
}

void FakeDevice::count_call(const char* what) {
  const std::lock_guard lock(mutex_);
  if (calls_++ == fail_at_call) {
    throw Error(ErrorCode::backend, std::string("a fake GPU: ") + what + ": made to fail");
  }
}

// --- Memory ---

std::byte* FakeDevice::make_block(std::size_t bytes, const char* what) {
  constexpr std::size_t alignment = 256;
  count_call(what);
  const std::lock_guard lock(mutex_);
  blocks_.emplace_back(bytes + alignment, std::byte{0xCD});
  std::byte* const memory = blocks_.back().data();
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  std::byte* const data = memory + (alignment - address % alignment) % alignment;
  live_[data] = bytes;
  live_bytes_ += bytes;
  return data;
}

void FakeDevice::end_block(std::byte* memory) noexcept {
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

bool FakeDevice::is_live(const std::byte* data, std::size_t bytes) const {
  auto above = live_.upper_bound(data);
  if (above == live_.begin()) return false;
  --above;
  return data + bytes <= above->first + above->second;
}

// --- Streams and events ---

Device::Stream FakeDevice::make_stream() {
  count_call("making a stream");
  const std::lock_guard lock(mutex_);
  auto stream = std::make_unique<Queue>();
  stream->number = streams_.size();
  Queue* const handle = stream.get();
  handle->thread = std::thread([this, handle] { work(*handle); });
  streams_[handle] = std::move(stream);
  return handle;
}

void FakeDevice::destroy_stream(Stream stream) noexcept { stop(*static_cast<Queue*>(stream)); }

Device::Event FakeDevice::make_event() {
  count_call("making an event");
  const std::lock_guard lock(mutex_);
  events_.push_back(std::make_unique<Mark>());
  return events_.back().get();
}

void FakeDevice::record(Event event, Stream stream) {
  count_call("recording an event");
  auto& mark = *static_cast<Mark*>(event);
  auto& queue = *static_cast<Queue*>(stream);
  const std::lock_guard lock(mutex_);
  mark.clock = queue.known;
  mark.clock[queue.number] = queue.time;
  queue.work.push_back([this, &mark, number = ++mark.recorded] {
    const std::lock_guard inner(mutex_);
    mark.done = std::max(mark.done, number);
    changed_.notify_all();
  });
  changed_.notify_all();
}

void FakeDevice::wait(Stream stream, Event event) {
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

bool FakeDevice::is_done(Event event) {
  count_call("asking for an event");
  const std::lock_guard lock(mutex_);
  const auto& mark = *static_cast<const Mark*>(event);
  return mark.done >= mark.recorded;
}

void FakeDevice::work(Queue& queue) {
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

// Ends its thread, after what it was given.
void FakeDevice::stop(Queue& queue) noexcept {
  {
    const std::lock_guard lock(mutex_);
    queue.stops = true;
    changed_.notify_all();
  }
  if (queue.thread.joinable()) queue.thread.join();
}

// --- Work ---

void FakeDevice::copy_to_device(std::byte* to, const std::byte* from, std::size_t bytes,
                                Stream stream) {
  give("copying to the device", stream, {{to, bytes, true}}, {{from, bytes}},
       [=] { std::memcpy(to, from, bytes); });
}

void FakeDevice::copy_to_host(std::byte* to, const std::byte* from, std::size_t bytes,
                              Stream stream) {
  give("copying to the host", stream, {{from, bytes}}, {}, [=] { std::memcpy(to, from, bytes); });
}

void FakeDevice::copy_on_device(std::byte* to, const std::byte* from, std::size_t bytes,
                                Stream stream) {
  give("copying on the device", stream, {{from, bytes}, {to, bytes, true}}, {},
       [=] { std::memcpy(to, from, bytes); });
}

// The stage is kept as a kernel's arguments are.
void FakeDevice::render(const DeviceRender& wanted, Stream stream) {
  const std::size_t rows = static_cast<std::size_t>(wanted.count) * wanted.row_bytes;
  give("making rows", stream,
       {{wanted.rows, rows}, {wanted.target.data, wanted.target.bytes, true}}, {},
       [this, wanted, stage = *wanted.stage] {
         DeviceRender job = wanted;
         job.stage = &stage;
         make_rows(job);
       });
}

void FakeDevice::give(const char* what, Stream stream, const std::vector<Access>& device,
                      const std::vector<Access>& host, std::function<void()> task) {
  count_call(what);
  auto& queue = *static_cast<Queue*>(stream);
  const std::lock_guard lock(mutex_);
  ++queue.time;
  check_order(what, queue, device);
  std::vector<Access> all = device;
  for (const Access& access : host) {
    // Host memory that is not pinned is not followed.
    if (is_live(access.data, access.bytes)) all.push_back(access);
  }
  queue.work.push_back([this, what, all = std::move(all), task = std::move(task)] {
    if (before_work) before_work();
    if (check_lives(what, all)) task();
  });
  changed_.notify_all();
}

void FakeDevice::check_order(const char* what, const Queue& queue,
                             const std::vector<Access>& accesses) {
  for (const Access& access : accesses) {
    for (const Past& past : past_) {
      const bool apart = access.data + access.bytes <= past.access.data ||
                         past.access.data + past.access.bytes <= access.data;
      const bool harmless = !access.writes && !past.access.writes;
      if (apart || harmless || past.stream == queue.number) continue;
      const auto known = queue.known.find(past.stream);
      if (known == queue.known.end() || known->second < past.time) {
        misuses_.push_back(std::string(what) + " without waiting for another stream");
      }
    }
  }
  for (const Access& access : accesses) past_.push_back({access, queue.number, queue.time});
}

bool FakeDevice::check_lives(const char* what, const std::vector<Access>& accesses) {
  const std::lock_guard lock(mutex_);
  for (const Access& access : accesses) {
    if (is_live(access.data, access.bytes)) continue;
    misuses_.push_back(std::string(what) + ": memory that is not there any more");
    return false;
  }
  return true;
}

}  // namespace headrace::fake
