#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"
#include "headrace/pipeline/image.h"

namespace headrace {

// What one fill of an ImageSequence works with, kept for the next one (not installed). Never used
// by two threads at a time.
struct SampleScratch {
  Record record;
  std::unique_ptr<DecodeSession> session;  // null for data sets that hold pixels
  Image decoded;
  Image upright;
  RenderScratch render;
  SamplePlan plan;       // of the image, at full resolution, if targets move with it
  unsigned turn = 0;     // counts samples, to time some of them
  bool planned = false;  // a plan was drawn for this sample, or would have been

  std::size_t bytes() const {
    std::size_t sum = decoded.capacity_bytes() + upright.capacity_bytes() +
                      render.bytes.capacity() + render.canvas.capacity() + render.spare.capacity() +
                      render.planes.capacity() + render.motion.capacity();
    for (const RecordValue& value : record.values) sum += value.buffer.capacity();
    return sum;
  }
};

// As many of them as fills were ever under way at a time. Thread-safe.
class ScratchPool {
 public:
  using Make = std::function<std::unique_ptr<SampleScratch>()>;
  explicit ScratchPool(Make make) : make_(std::move(make)) {}

  // A loan for one fill.
  class Loan {
   public:
    explicit Loan(ScratchPool& pool) : pool_(pool), scratch_(pool.take()) {
      bytes_before_ = scratch_->bytes();
    }
    ~Loan() { pool_.give_back(std::move(scratch_), bytes_before_); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    SampleScratch& operator*() const { return *scratch_; }

   private:
    ScratchPool& pool_;
    std::unique_ptr<SampleScratch> scratch_;
    std::size_t bytes_before_ = 0;
  };

  // Of all, without that of the decoder's sessions.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::unique_ptr<SampleScratch> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto scratch = std::move(idle_.back());
        idle_.pop_back();
        return scratch;
      }
      idle_.reserve(++made_);  // so that giving it back needs no memory
    }
    return make_();
  }

  void give_back(std::unique_ptr<SampleScratch> scratch, std::size_t bytes_before) noexcept {
    // Unsigned arithmetic: a difference below zero comes out right too.
    bytes_.fetch_add(scratch->bytes() - bytes_before, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
  }

  const Make make_;
  std::mutex mutex_;  // guards the two below
  std::vector<std::unique_ptr<SampleScratch>> idle_;
  std::size_t made_ = 0;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace headrace
