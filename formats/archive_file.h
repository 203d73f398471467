#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "headrace/formats/byte_source.h"

namespace headrace {

// A large file of which parts are read: a shard, an array. A file that is no longer the one that
// was opened, by its size and its time, is an error. Private to formats. Safe to use from many
// threads.
class ArchiveFile final : public ByteSource {
 public:
  // Kept open, or opened anew for each reading: where there are more files than a process may have
  // open files. Throws Error{io}; what is no regular file is refused, and never waited for.
  ArchiveFile(std::filesystem::path path, bool keep_open);
  ~ArchiveFile() override;
  ArchiveFile(const ArchiveFile&) = delete;
  ArchiveFile& operator=(const ArchiveFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const override { return size_; }
  std::int64_t modified() const { return modified_; }  // nanoseconds

  void read(std::uint64_t offset, std::span<std::byte> into) const override;
  // As Dataset::try_read() and will_need().
  bool try_read(std::uint64_t offset, std::span<std::byte> into) const;
  std::size_t will_need(std::uint64_t offset, std::size_t count) const;

 private:
  class Opened;
  bool is_unchanged(int descriptor) const;

  std::filesystem::path path_;
  int descriptor_ = -1;  // if it is kept
  std::uint64_t size_ = 0;
  std::int64_t modified_ = 0;
  bool in_memory_ = false;  // by nature: tmpfs, ramfs
  mutable std::atomic<bool> can_try_{true};
};

}  // namespace headrace
