// The plugin headrace_gloo: messages between processes by gloo, over TCP.

#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>
#include <gloo/transport/unbound_buffer.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "headrace/train/comm/gloo/interface.h"

#define HEADRACE_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

namespace headrace {
namespace {

using std::chrono::milliseconds;
using Buffer = gloo::transport::UnboundBuffer;

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::shared_ptr<gloo::transport::Device> make_device(const std::string& address) {
  gloo::transport::tcp::attr wish;
  if (const char* const chosen = std::getenv("GLOO_SOCKET_IFNAME")) {
    wish.iface = chosen;
  } else {
    wish.hostname = address;
  }
  return gloo::transport::tcp::CreateDevice(wish);
}

// gloo's view of a store.
class Store final : public gloo::rendezvous::Store {
 public:
  Store(KeyValueStore& values, milliseconds deadline)
      : values_(values), until_(std::chrono::steady_clock::now() + deadline) {}

  void set(const std::string& key, const std::vector<char>& data) override {
    values_.set(key, {data.begin(), data.end()});
  }
  std::vector<char> get(const std::string& key) override {
    const auto left = until_ - std::chrono::steady_clock::now();
    const std::string value = values_.get(key, std::chrono::duration_cast<milliseconds>(left));
    return {value.begin(), value.end()};
  }
  using gloo::rendezvous::Store::wait;
  void wait(const std::vector<std::string>& keys) override {
    for (const std::string& key : keys) get(key);
  }

 private:
  KeyValueStore& values_;
  std::chrono::steady_clock::time_point until_;
};

// One message on its way.
struct Moving {
  std::unique_ptr<Buffer> buffer;
  int peer = 0;
  bool is_send = false;
  std::atomic<bool> ended{false};
  std::string error;  // to be read once it has ended
};

// gloo cannot be asked whether a message has arrived without closing the connection if it has not:
// so a thread waits for them, one after the other.
class Waiter {
 public:
  Waiter() : thread_([this] { work(); }) {}
  ~Waiter() {
    stop();
    thread_.join();
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void add(std::shared_ptr<Moving> moving) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(moving));
    changed_.notify_one();
  }
  // What is waited for ends.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
    if (current_ == nullptr) return;
    current_->is_send ? current_->buffer->abortWaitSend() : current_->buffer->abortWaitRecv();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      current_ = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      try {
        constexpr milliseconds ages = std::chrono::hours(24 * 365);
        current_->is_send ? current_->buffer->waitSend(ages) : current_->buffer->waitRecv(ages);
      } catch (const std::exception& error) {
        current_->error = error.what();
      }
      current_->ended = true;
      lock.lock();
      current_ = nullptr;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Moving>> queue_;
  std::shared_ptr<Moving> current_;
  bool stopping_ = false;
  std::thread thread_;
};

class GlooLink final : public Link {
 public:
  GlooLink(int process, int processes, KeyValueStore& values, const std::string& address,
           milliseconds deadline)
      : context_(std::make_shared<gloo::rendezvous::Context>(process, processes)) {
    context_->setTimeout(deadline);
    Store store(values, deadline);
    const std::string host = host_name();
    store.set("host" + std::to_string(process), {host.begin(), host.end()});
    auto device = make_device(address);
    context_->connectFullMesh(store, device);
    for (int peer = 0; peer < processes; ++peer) {
      const auto name = store.get("host" + std::to_string(peer));
      if (std::string(name.begin(), name.end()) == host) ++local_processes_;
    }
    const auto waiters = static_cast<std::size_t>(3 * processes);
    for (std::size_t i = 0; i < waiters; ++i) waiters_.push_back(std::make_unique<Waiter>());
  }
  ~GlooLink() override { close(); }
  GlooLink(const GlooLink&) = delete;
  GlooLink& operator=(const GlooLink&) = delete;

  int process() const override { return context_->rank; }
  int processes() const override { return context_->size; }
  int local_processes() const override { return local_processes_; }
  std::string host() const override { return host_name(); }

  Request send(int to, int tag, std::span<const std::byte> bytes) override {
    auto moving = start(to, true, const_cast<std::byte*>(bytes.data()), bytes.size());
    moving->buffer->send(to, static_cast<std::uint64_t>(tag));
    return keep(std::move(moving), 0);
  }
  // Number 0 is awaited all the time, and must not keep others waiting.
  Request receive(int from, int tag, std::span<std::byte> bytes) override {
    auto moving = start(from, false, bytes.data(), bytes.size());
    moving->buffer->recv(from, static_cast<std::uint64_t>(tag));
    return keep(std::move(moving), tag == 0 ? 1 : 2);
  }
  bool done(Request request) override {
    const auto found = open_.find(request);
    const Moving& moving = *found->second;
    if (!moving.ended) return false;
    if (!moving.error.empty()) {
      throw std::runtime_error("the connection to process " + std::to_string(moving.peer) +
                               " is lost: " + moving.error);
    }
    open_.erase(found);
    return true;
  }
  void cancel_all() noexcept override { close(); }
  void leave() override { close(); }
  void end_job() noexcept override { close(); }

 private:
  std::shared_ptr<Moving> start(int peer, bool is_send, std::byte* data, std::size_t size) {
    if (closed_) throw std::runtime_error("the connections are closed");
    auto moving = std::make_shared<Moving>();
    moving->peer = peer;
    moving->is_send = is_send;
    moving->buffer = context_->createUnboundBuffer(data, size);
    return moving;
  }
  Request keep(std::shared_ptr<Moving> moving, int kind) {
    waiters_[static_cast<std::size_t>(3 * moving->peer + kind)]->add(moving);
    open_.emplace(next_, std::move(moving));
    return next_++;
  }
  // Afterwards no message is read or written.
  void close() noexcept {
    if (std::exchange(closed_, true)) return;
    for (const auto& waiter : waiters_) waiter->stop();
    context_->closeConnections();
    waiters_.clear();
    open_.clear();
  }

  std::shared_ptr<gloo::rendezvous::Context> context_;
  int local_processes_ = 0;
  std::vector<std::unique_ptr<Waiter>> waiters_;
  Request next_ = 0;
  std::unordered_map<Request, std::shared_ptr<Moving>> open_;
  bool closed_ = false;
};

}  // namespace
}  // namespace headrace

HEADRACE_PLUGIN_EXPORT int headrace_gloo_get_version() { return headrace_gloo_version; }

HEADRACE_PLUGIN_EXPORT headrace::Link* headrace_gloo_open(int process, int processes,
                                                          headrace::KeyValueStore& store,
                                                          const char* address, double seconds) {
  const headrace::milliseconds deadline(static_cast<std::int64_t>(seconds * 1'000));
  return std::make_unique<headrace::GlooLink>(process, processes, store, address, deadline)
      .release();
}
