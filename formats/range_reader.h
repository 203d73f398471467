#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace headrace {

struct FileCalls;

// Reads parts of one file, which is kept open: what a data set in a large file reads its records
// by. Private to formats. Const functions are safe to call from many threads at once.
//
// The file is read, not memory-mapped, as FileReader says why.
class RangeReader {
 public:
  // `calls` is for tests. Throws Error{io} "cannot open PATH: ..."; what is no regular file is
  // refused, and never waited for.
  explicit RangeReader(std::filesystem::path path);
  RangeReader(std::filesystem::path path, const FileCalls& calls);
  RangeReader(RangeReader&& other) noexcept;
  RangeReader& operator=(RangeReader&&) = delete;
  ~RangeReader();

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // when it was opened

  // Fills `into` with the bytes from `offset` on.
  // Throws Error{io} naming file and offset: also if the file has become shorter.
  void read(std::uint64_t offset, std::span<std::byte> into) const;
  // As read(), if that waits for no disk; else false, at once; see FileReader::try_read().
  bool try_read(std::uint64_t offset, std::span<std::byte> into) const;
  // Asks the kernel for those bytes. What was asked for: `count`, or 0 if they seem to be in
  // memory.
  std::size_t will_need(std::uint64_t offset, std::size_t count) const;

 private:
  std::filesystem::path path_;
  const FileCalls* calls_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  bool in_memory_ = false;  // by nature: tmpfs, ramfs
};

}  // namespace headrace
