#include "headrace/formats/file_calls.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace headrace {
namespace {

// Opening a pipe for reading waits for a writer, unless O_NONBLOCK says not to.
constexpr int open_flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;

int open_file(int folder, const char* path) { return ::openat(folder, path, open_flags); }

int open_cached(int folder, const char* path) {
  open_how how{};
  how.flags = open_flags;
  how.resolve = RESOLVE_CACHED;
  // Without a wrapper in the C libraries that we are built with.
  return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
}

ssize_t read_cached(int file, void* to, std::size_t count, off_t offset) {
  const iovec part{to, count};
  return ::preadv2(file, &part, 1, offset, RWF_NOWAIT);
}

}  // namespace

const FileCalls& system_file_calls() {
  static const FileCalls calls{open_file, open_cached, ::read, ::pread, read_cached};
  return calls;
}

}  // namespace headrace
