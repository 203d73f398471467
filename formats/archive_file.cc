#include "headrace/formats/archive_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "headrace/formats/file_calls.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

std::int64_t time_of(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

}  // namespace

// The descriptor to read by: the one that is kept, or one for a while.
class ArchiveFile::Opened {
 public:
  Opened(const ArchiveFile& file, bool cached)
      : kept_(file.descriptor_), descriptor_(file.descriptor_) {
    const FileCalls& calls = system_file_calls();
    while (descriptor_ < 0) {
      descriptor_ = cached ? calls.open_cached(AT_FDCWD, file.path_.c_str())
                           : calls.open(AT_FDCWD, file.path_.c_str());
      if (descriptor_ < 0 && errno != EINTR) break;
    }
  }
  ~Opened() {
    if (kept_ < 0 && descriptor_ >= 0) ::close(descriptor_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int kept_;
  int descriptor_;
};

ArchiveFile::ArchiveFile(std::filesystem::path path, bool keep_open) : path_(std::move(path)) {
  Opened file(*this, false);
  if (file.get() < 0) throw io_error("cannot open " + path_.string(), errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw io_error("cannot read " + path_.string(), errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::io, "cannot read " + path_.string() + ": it is no regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  modified_ = time_of(status);
  struct statfs system {};
  in_memory_ = ::fstatfs(file.get(), &system) == 0 &&
               (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
  if (keep_open) descriptor_ = file.release();
}

ArchiveFile::~ArchiveFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool ArchiveFile::is_unchanged(int descriptor) const {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && static_cast<std::uint64_t>(status.st_size) == size_ &&
         time_of(status) == modified_;
}

void ArchiveFile::read(std::uint64_t offset, std::span<std::byte> into) const {
  const Opened file(*this, false);
  if (file.get() < 0) throw io_error("cannot open " + path_.string(), errno);
  const auto where = [&] { return path_.string() + " at byte " + std::to_string(offset); };
  bool ended = false;
  for (std::size_t done = 0; done < into.size() && !ended;) {
    const ssize_t count = ::pread(file.get(), into.data() + done, into.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw io_error("cannot read " + where(), errno);
    ended = count == 0;
    done += static_cast<std::size_t>(count);
  }
  if (!ended && is_unchanged(file.get())) return;
  throw Error(ErrorCode::io, where() + ": the file has changed since it was opened" +
                                 (ended ? ", and is shorter" : "") + ": start again");
}

bool ArchiveFile::try_read(std::uint64_t offset, std::span<std::byte> into) const {
  if (!can_try_.load(std::memory_order_relaxed)) return false;
  const Opened file(*this, true);
  if (file.get() < 0) {
    if (errno == ENOSYS || errno == EPERM || errno == EINVAL) can_try_ = false;
    return false;
  }
  for (std::size_t done = 0; done < into.size();) {
    std::byte* const to = into.data() + done;
    const auto at = static_cast<off_t>(offset + done);
    const ssize_t count =
        in_memory_ ? ::pread(file.get(), to, into.size() - done, at)
                   : system_file_calls().read_cached(file.get(), to, into.size() - done, at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EOPNOTSUPP) can_try_ = false;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return is_unchanged(file.get());  // if not, read() will say so
}

std::size_t ArchiveFile::will_need(std::uint64_t offset, std::size_t count) const {
  if (count == 0 || in_memory_) return 0;
  const Opened file(*this, false);
  if (file.get() < 0) return 0;
  // The last byte speaks for all.
  std::byte last{};
  const auto end = static_cast<off_t>(offset + count - 1);
  if (system_file_calls().read_cached(file.get(), &last, 1, end) == 1) return 0;
  return ::posix_fadvise(file.get(), static_cast<off_t>(offset), static_cast<off_t>(count),
                         POSIX_FADV_WILLNEED) == 0
             ? count
             : 0;
}

}  // namespace headrace
