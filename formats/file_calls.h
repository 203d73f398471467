#pragma once

#include <sys/types.h>

#include <cstddef>

namespace headrace {

// The system calls of FileReader and RangeReader (not installed), so that tests can let them fail.
// Each returns what the system call does, with errno.
struct FileCalls {
  int (*open)(int folder, const char* path);
  // Opens only what can be found without asking a disk; else EAGAIN. ENOSYS on old kernels.
  int (*open_cached)(int folder, const char* path);
  ssize_t (*read)(int file, void* to, std::size_t count);
  ssize_t (*read_at)(int file, void* to, std::size_t count, off_t offset);
  // Reads only what is in memory; else EAGAIN. EOPNOTSUPP if the file system cannot tell.
  ssize_t (*read_cached)(int file, void* to, std::size_t count, off_t offset);
};

const FileCalls& system_file_calls();

}  // namespace headrace
