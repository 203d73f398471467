#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "headrace/pipeline/batch.h"

namespace headrace {

// What was read for some samples in a row, on its way from a disk to the thread that decodes it.
class LoadedSamples {
 public:
  virtual ~LoadedSamples() = default;
  // Memory it holds.
  virtual std::size_t bytes() const = 0;
};

// What a Sequence that reads from disks may offer besides fill(), so that a Loader can do the
// waiting on threads of its own: making samples in two steps, to read them and to fill rows with
// them. Together they write what fill() would have written, and throw what it would have thrown.
//
// All functions are const and safe to call from many threads at once. Positions are as in
// Sequence::fill().
class SampleReader {
 public:
  virtual ~SampleReader() = default;

  // Fills the first of `rows`, up to the first sample whose reading might wait for a disk, and
  // returns how many it filled. Called on a compute thread.
  virtual std::int64_t fill_ready(std::uint64_t epoch, std::int64_t first,
                                  const Rows& rows) const = 0;

  // Reads samples [first, first + count). May wait for as long as a disk takes; gives up between
  // samples when `stop` becomes true. What cannot be read is remembered, and thrown where
  // fill_loaded() comes to it. Called on an I/O thread.
  virtual std::unique_ptr<LoadedSamples> load(std::uint64_t epoch, std::int64_t first,
                                              std::int64_t count,
                                              const std::atomic<bool>& stop) const = 0;

  // Fills all of `rows` from what load() gave for just these samples. Called once for each.
  virtual void fill_loaded(std::uint64_t epoch, std::int64_t first, const Rows& rows,
                           LoadedSamples& loaded) const = 0;

  // Says to the system that samples [first, first + count) will be read soon. Returns the bytes
  // that are now on their way, 0 if all is near already. Called on an I/O thread; does not throw
  // for samples that cannot be read.
  virtual std::size_t will_need(std::uint64_t epoch, std::int64_t first,
                                std::int64_t count) const = 0;

 protected:
  SampleReader() = default;
  SampleReader(const SampleReader&) = default;
  SampleReader& operator=(const SampleReader&) = default;
};

}  // namespace headrace
