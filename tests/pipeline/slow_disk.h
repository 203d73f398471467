#pragma once

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "fake_images.h"
#include "headrace/pipeline/dataset.h"

namespace headrace::fake {

// A door that threads wait at until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// Encoded images on a disk that is as slow as a test wants it.
class SlowDisk final : public Dataset {
 public:
  static constexpr std::size_t record_bytes = 4096;

  explicit SlowDisk(int count) : images_(headers(count)) {}

  std::int64_t size() const override { return images_.size(); }
  const DatasetInfo& info() const override { return images_.info(); }
  void read(std::int64_t index, Record& into) const override {
    ++reading_;
    try {
      if (before_read) before_read(index);
    } catch (...) {
      --reading_;
      throw;
    }
    get(index, into);
    --reading_;
    ++read_;
  }
  bool try_read(std::int64_t index, Record& into) const override {
    ++tried_;
    if (!in_memory(index)) return false;
    get(index, into);
    return true;
  }
  std::size_t will_need(std::int64_t index) const override {
    const std::lock_guard lock(mutex_);
    announced_.insert(index);
    return in_memory(index) ? 0 : record_bytes;
  }
  std::int64_t label(std::int64_t index) const override { return index; }
  std::string key(std::int64_t index) const override { return images_.key(index); }
  std::uint64_t fingerprint() const override { return 77; }

  // Called by many threads at once.
  std::function<bool(std::int64_t)> in_memory = [](std::int64_t) { return false; };
  std::function<void(std::int64_t)> before_read;

  int reading() const { return reading_; }      // reads under way
  std::int64_t reads() const { return read_; }  // that have returned
  std::int64_t tries() const { return tried_; }
  std::set<std::int64_t> announced() const {
    const std::lock_guard lock(mutex_);
    return announced_;
  }

 private:
  void get(std::int64_t index, Record& into) const {
    images_.read(index, into);
    RecordValue& image = into.values[0];
    if (image.buffer.size() < record_bytes) image.buffer.resize(record_bytes);
    std::memcpy(image.buffer.data(), image.bytes.data(), image.bytes.size());
    image.bytes = std::span<const std::byte>(image.buffer).first(image.bytes.size());
  }

  EncodedDataset images_;
  mutable std::mutex mutex_;
  mutable std::set<std::int64_t> announced_;
  mutable std::atomic<int> reading_{0};
  mutable std::atomic<std::int64_t> read_{0};
  mutable std::atomic<std::int64_t> tried_{0};
};

}  // namespace headrace::fake
