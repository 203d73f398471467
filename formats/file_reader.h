#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace headrace {

struct FileCalls;

// Reads whole files. Keeps the folder that paths are relative to open, so that each file costs
// only the walk from there. Const functions are safe to call from many threads at once.
//
// Files are read, not memory-mapped. To map and unmap one costs more than to copy its 40 KB (two
// system calls, a page fault for each 64 KB at best, and every thread of the process interrupted
// when the mapping goes); a mapped page that is not in memory stops the thread that touches it, in
// the middle of decoding; and a file that shrinks, or a disk that fails, is then a SIGBUS rather
// than an error.
class FileReader {
 public:
  // Empty: relative to the working directory. `calls` is for tests.
  // Throws Error{io} if the folder cannot be opened.
  explicit FileReader(std::filesystem::path folder = {});
  FileReader(std::filesystem::path folder, const FileCalls& calls);
  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&& other) noexcept;
  ~FileReader();

  // Reads `path`, relative to the folder or absolute, into `buffer`, which grows when it must and
  // never shrinks. Returns the part of it that holds the file.
  // Throws Error{io} "cannot open PATH: ..." (or read; a folder, pipe or device is refused and
  // never waited for), Error{corrupt_data} "PATH is empty".
  std::span<const std::byte> read(const char* path, std::vector<std::byte>& buffer) const;

  // As read(), if that needs no disk: name and content are in the kernel's memory. Else nothing,
  // at once; also if anything is wrong with the file, which read() will tell.
  //
  // Needs Linux 5.12 and a file system that can tell (ext4, xfs, btrfs, ...). What lies in memory
  // by nature (tmpfs, ramfs) is simply read. Elsewhere (NFS, FUSE, overlays; older kernels;
  // sandboxes that forbid openat2) the first attempt shows it, and from then on the answer is
  // nothing, without a look: such a file may always wait.
  std::optional<std::span<const std::byte>> try_read(const char* path,
                                                     std::vector<std::byte>& buffer) const;

  // Asks the kernel to read the file into its memory. Finding the file may wait for the disk, its
  // content is not waited for. Returns its size if that was asked, 0 if it seems to be in memory
  // already or is not there.
  std::size_t will_need(const char* path) const;

  // A number that differs when the file was changed: of its size and time; 0 if it is not there.
  std::uint64_t stamp(const char* path) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::string shown(const char* path) const;

  std::filesystem::path folder_;
  int descriptor_;
  const FileCalls* calls_;
  mutable std::atomic<bool> can_try_{true};
  mutable std::atomic<std::uint64_t> device_in_memory_{0};  // the last one seen
};

}  // namespace headrace
