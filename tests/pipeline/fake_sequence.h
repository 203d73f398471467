#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"

namespace headrace::fake {

// What a CountingSequence writes for a sample.
inline std::uint64_t sample_value(std::uint64_t seed, std::uint64_t epoch, std::int64_t position) {
  return Rng(seed, epoch).for_sample(static_cast<std::uint64_t>(position)).next_u64();
}

// Samples that follow from seed, epoch and position, as they must.
class CountingSequence : public Sequence {
 public:
  explicit CountingSequence(std::int64_t size, std::int64_t grain = 3, std::uint64_t seed = 1)
      : size_(size), grain_(grain), seed_(seed) {
    spec_.fields = {{"value", ElementType::i64, {}}, {"index", ElementType::i32, {2}}};
  }

  std::int64_t size() const override { return size_; }
  const BatchSpec& spec() const override { return spec_; }
  std::int64_t grain() const override { return grain_; }
  std::uint64_t fingerprint() const override { return seed_; }

  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override {
    ++running_;
    for (std::int64_t row = 0; row < rows.count(); ++row) {
      const std::int64_t position = first + row;
      if (before_sample) {
        try {
          before_sample(epoch, position);
        } catch (...) {
          --running_;
          throw;
        }
      }
      *rows.row_as<std::uint64_t>(0, row) = sample_value(seed_, epoch, position);
      rows.row_as<std::int32_t>(1, row)[0] = static_cast<std::int32_t>(epoch);
      rows.row_as<std::int32_t>(1, row)[1] = static_cast<std::int32_t>(position);
    }
    filled_ += rows.count();
    --running_;
  }

  // Calls of fill() under way.
  int running() const { return running_; }
  // Samples made so far.
  std::int64_t filled() const { return filled_; }

  // Called before each sample; may throw.
  std::function<void(std::uint64_t epoch, std::int64_t position)> before_sample;

 private:
  std::int64_t size_;
  std::int64_t grain_;
  std::uint64_t seed_;
  BatchSpec spec_;
  mutable std::atomic<int> running_{0};
  mutable std::atomic<std::int64_t> filled_{0};
};

// Waits until `done()`, for ten seconds at most. Returns whether it came true.
template <class Done>
bool eventually(Done done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace headrace::fake
