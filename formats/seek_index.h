#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "headrace/pipeline/dataset.h"

namespace headrace {

// For the JPEG files of a data set, where the decoding of a region can begin: without it all that
// lies before the region must be read, symbol by symbol. A file of its own, of about 1 KB an image,
// held in memory; images stay as they are, wherever they are stored.
//
// Images are found by what they are, a 64-bit hash (XXH3) and the number of their bytes, not by
// name or place: an index serves every list, subset and copy of the images it was made of, and one
// that has changed is simply no longer in it. It never changes a pixel, nor the verdict on a
// damaged file. Safe to use from many threads.
class SeekIndex {
 public:
  // Throws Error{io} if the file cannot be read, Error{corrupt_data} if it is not whole, was
  // changed, or is of another kind.
  static std::shared_ptr<const SeekIndex> open(const std::filesystem::path& path);
  ~SeekIndex();

  std::int64_t images() const;
  std::size_t bytes() const;  // of memory

  // What there is about the image file with those bytes; empty if nothing.
  std::span<const std::byte> find(std::span<const std::byte> encoded) const;

 private:
  struct Content;
  explicit SeekIndex(std::unique_ptr<const Content> content);

  std::unique_ptr<const Content> content_;
};

struct SeekIndexOptions {
  // An index whose entries are taken over; may be null.
  const SeekIndex* known = nullptr;
  int threads = 0;  // 0: one for each core
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::int64_t done)> progress = {};  // called from one thread at a time
};

struct SeekIndexReport {
  std::int64_t indexed = 0;  // images that are in the file
  std::int64_t known = 0;    // of these, taken over
  std::int64_t others = 0;   // that cannot be: no baseline JPEG, damaged, unreadable
  std::int64_t bytes = 0;    // of the file
};

// Reads all images of a data set and writes their index to `path`, which is replaced when all is
// done. Throws Error{invalid_argument} if the data set has no encoded images, Error{io} if the file
// cannot be written, Error{cancelled} when told to stop.
SeekIndexReport write_seek_index(const Dataset& dataset, const std::filesystem::path& path,
                                 const SeekIndexOptions& options = {});

}  // namespace headrace
