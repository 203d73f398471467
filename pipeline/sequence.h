#pragma once

#include <cstdint>

#include "headrace/pipeline/batch.h"

namespace headrace {

class DeviceSource;
class SampleReader;

// Where the time of making samples went, over all threads, in seconds of CPU or waiting for disks.
struct StageTimes {
  double read = 0;
  double decode = 0;
  double render = 0;
  std::int64_t samples = 0;
  std::int64_t bytes_read = 0;
  std::int64_t cached_samples = 0;  // made from what a cache of pixels or samples had kept
  std::int64_t planes_samples = 0;  // resampled before they became RGB (DecodeOptions::fast_chroma)
};

// A Sequence is what batches are made of: an endless row of epochs, each `size()` samples long,
// with random access to every sample of every epoch. The built-in one is ImageSequence; a user's
// own overrides three functions.
//
// All functions are const and safe to call from many threads at once. What fill() writes is a pure
// function of (the object, epoch, position): never of the thread, the clock, or earlier calls. From
// that follow the same batches at any thread count, and resuming anywhere.
class Sequence {
 public:
  virtual ~Sequence() = default;

  // Samples in one epoch. Never changes during the life of the object.
  virtual std::int64_t size() const = 0;

  // Names, shapes and types of the fields. Never changes.
  virtual const BatchSpec& spec() const = 0;

  // Writes samples [first, first + rows.count()) of `epoch`, in that order, into all fields of
  // `rows`. Requires 0 <= first and first + rows.count() <= size().
  // Throws Error if a sample cannot be made; the whole batch is then lost to the consumer.
  virtual void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const = 0;

  // How many samples are worth a task. A task costs about a microsecond: let it be under 2 % of
  // the time that filling this many takes. A Sequence that can make only whole batches returns a
  // number at least as large as the batch.
  virtual std::int64_t grain() const { return 1; }

  // A number that differs when the data, the recipe or the seed differ: restoring a saved position
  // into another stream is refused.
  virtual std::uint64_t fingerprint() const { return 0; }

  // For sequences that read from disks: how to keep the waiting off the threads that compute
  // (sample_reader.h). Lives as long as the sequence. Null: a Loader calls fill() alone.
  virtual const SampleReader* reader() const { return nullptr; }

  // For sequences whose rows a GPU finishes: how (device_source.h). Lives as long as the sequence.
  // Null: rows are what spec() says, on a GPU too.
  virtual const DeviceSource* device_source() const { return nullptr; }

  // What making samples has cost since construction; zeros if it is not measured.
  virtual StageTimes stage_times() const { return {}; }

 protected:
  Sequence() = default;
  Sequence(const Sequence&) = default;
  Sequence& operator=(const Sequence&) = default;
};

}  // namespace headrace
