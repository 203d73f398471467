#include "headrace/pipeline/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <tuple>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 16;
constexpr std::size_t longest_kept_name = 200;  // of the 255 bytes that file systems allow

Error cannot_write(const std::filesystem::path& path, int errno_value) {
  return io_error("cannot write " + path.string(), errno_value);
}

// Follows links by hand, since the last of them may point to a file that is not there yet.
std::filesystem::path follow_links(const std::filesystem::path& path) {
  constexpr int most_links = 40;  // as the kernel's limit
  std::filesystem::path target = path;
  for (int i = 0; i < most_links; ++i) {
    std::error_code none;
    if (!std::filesystem::is_symlink(std::filesystem::symlink_status(target, none))) return target;
    const auto next = std::filesystem::read_symlink(target, none);
    if (none) throw cannot_write(path, none.value());
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  throw cannot_write(path, ELOOP);
}

std::filesystem::path temporary_name(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  const std::string name = target.filename().string().substr(0, longest_kept_name);
  return target.parent_path() / ("." + name + "." + std::to_string(::getpid()) + "-" +
                                 std::to_string(counter.fetch_add(1)) + ".tmp");
}

void sync_folder_of(const std::filesystem::path& target) {
  const auto folder = target.has_parent_path() ? target.parent_path() : ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder may be writable and not readable
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(path), target_(follow_links(path)) {
  if (!target_.has_filename()) {
    throw Error(ErrorCode::io, "cannot write '" + path.string() + "': it does not name a file");
  }
  struct stat existing {};
  const bool replaces = ::stat(target_.c_str(), &existing) == 0;
  if (replaces && !S_ISREG(existing.st_mode)) {
    throw Error(ErrorCode::io, "cannot write " + path.string() + ": it is there and is no file");
  }
  buffer_.reserve(buffer_bytes);
  do {
    temporary_ = temporary_name(target_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
  if (descriptor_ < 0) throw cannot_write(path_, errno);
  // File systems without permissions refuse this, and lose nothing.
  if (replaces) std::ignore = ::fchmod(descriptor_, existing.st_mode & 07777);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > buffer_bytes) flush();
  if (bytes.size() >= buffer_bytes) {
    write_through(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void AtomicFile::write_through(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) throw cannot_write(path_, errno);
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit(Durability durability) {
  flush();
  if (durability == Durability::synced) {
    while (::fsync(descriptor_) != 0) {
      if (errno == EINVAL || errno == ENOTSUP) break;  // the file system has no such thing
      if (errno != EINTR) throw cannot_write(path_, errno);
    }
  }
  // On Linux the descriptor is closed whatever close() returns; network file systems report here
  // what they could not write.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) {
    throw cannot_write(path_, errno);
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw cannot_write(path_, errno);
  temporary_.clear();
  if (durability == Durability::synced) sync_folder_of(target_);
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace headrace
