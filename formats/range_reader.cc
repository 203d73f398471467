#include "headrace/formats/range_reader.h"

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

RangeReader::RangeReader(std::filesystem::path path)
    : RangeReader(std::move(path), system_file_calls()) {}

RangeReader::RangeReader(std::filesystem::path path, const FileCalls& calls)
    : path_(std::move(path)), calls_(&calls) {
  do {
    descriptor_ = calls_->open(AT_FDCWD, path_.c_str());
  } while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) throw io_error("cannot open " + path_.string(), errno);
  struct stat status {};
  const int failure = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
  if (failure != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    if (failure != 0) throw io_error("cannot read " + path_.string(), failure);
    throw Error(ErrorCode::io, "cannot read " + path_.string() + ": it is no regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  struct statfs system {};
  in_memory_ = ::fstatfs(descriptor_, &system) == 0 &&
               (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

RangeReader::RangeReader(RangeReader&& other) noexcept
    : path_(std::move(other.path_)),
      calls_(other.calls_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      in_memory_(other.in_memory_) {}

RangeReader::~RangeReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RangeReader::read(std::uint64_t offset, std::span<std::byte> into) const {
  for (std::size_t done = 0; done < into.size();) {
    const ssize_t count = calls_->read_at(descriptor_, into.data() + done, into.size() - done,
                                          static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    const auto where = [&] { return path_.string() + " at byte " + std::to_string(offset + done); };
    if (count < 0) throw io_error("cannot read " + where(), errno);
    if (count == 0) throw Error(ErrorCode::io, where() + ": the file became shorter");
    done += static_cast<std::size_t>(count);
  }
}

bool RangeReader::try_read(std::uint64_t offset, std::span<std::byte> into) const {
  for (std::size_t done = 0; done < into.size();) {
    std::byte* const to = into.data() + done;
    const auto at = static_cast<off_t>(offset + done);
    const ssize_t count = in_memory_ ? calls_->read_at(descriptor_, to, into.size() - done, at)
                                     : calls_->read_cached(descriptor_, to, into.size() - done, at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

std::size_t RangeReader::will_need(std::uint64_t offset, std::size_t count) const {
  if (count == 0 || in_memory_) return 0;
  // The last byte speaks for all.
  std::byte last{};
  const auto end = static_cast<off_t>(offset + count - 1);
  if (calls_->read_cached(descriptor_, &last, 1, end) == 1) return 0;
  const auto begin = static_cast<off_t>(offset);
  const auto bytes = static_cast<off_t>(count);
  return ::posix_fadvise(descriptor_, begin, bytes, POSIX_FADV_WILLNEED) == 0 ? count : 0;
}

}  // namespace headrace
