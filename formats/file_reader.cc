#include "headrace/formats/file_reader.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "headrace/formats/file_calls.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

// What `call` returns, called again for as long as signals interrupt it.
template <class Call>
auto retrying(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

bool is_in_memory_by_nature(int file) {
  struct statfs system {};
  if (::fstatfs(file, &system) != 0) return false;
  return system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
}

}  // namespace

FileReader::FileReader(std::filesystem::path folder)
    : FileReader(std::move(folder), system_file_calls()) {}

FileReader::FileReader(std::filesystem::path folder, const FileCalls& calls)
    : folder_(std::move(folder)), descriptor_(AT_FDCWD), calls_(&calls) {
  if (folder_.empty()) return;
  descriptor_ = retrying(
      [this] { return ::openat(AT_FDCWD, folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor_ < 0) throw io_error("cannot open folder " + folder_.string(), errno);
}

FileReader::FileReader(FileReader&& other) noexcept
    : folder_(std::move(other.folder_)),
      descriptor_(std::exchange(other.descriptor_, AT_FDCWD)),
      calls_(other.calls_),
      can_try_(other.can_try_.load()),
      device_in_memory_(other.device_in_memory_.load()) {}

FileReader& FileReader::operator=(FileReader&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(calls_, other.calls_);
  can_try_ = other.can_try_.exchange(can_try_);
  device_in_memory_ = other.device_in_memory_.exchange(device_in_memory_);
  return *this;
}

FileReader::~FileReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string FileReader::shown(const char* path) const { return (folder_ / path).string(); }

std::span<const std::byte> FileReader::read(const char* path,
                                            std::vector<std::byte>& buffer) const {
  const Descriptor file(retrying([&] { return calls_->open(descriptor_, path); }));
  if (file.get() < 0) throw io_error("cannot open " + shown(path), errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw io_error("cannot read " + shown(path), errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::io, "cannot read " + shown(path) + ": it is " +
                                   (S_ISDIR(status.st_mode) ? "a folder" : "not a regular file"));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) throw Error(ErrorCode::corrupt_data, shown(path) + " is empty");
  if (buffer.size() < size) buffer.resize(size);

  std::size_t done = 0;
  while (done < size) {
    const ssize_t count =
        retrying([&] { return calls_->read(file.get(), buffer.data() + done, size - done); });
    if (count < 0) throw io_error("cannot read " + shown(path), errno);
    if (count == 0) {
      throw Error(ErrorCode::io, shown(path) + " became shorter while it was read");
    }
    done += static_cast<std::size_t>(count);
  }
  return std::span<const std::byte>(buffer).first(size);
}

std::optional<std::span<const std::byte>> FileReader::try_read(
    const char* path, std::vector<std::byte>& buffer) const {
  if (!can_try_.load(std::memory_order_relaxed)) return std::nullopt;
  const Descriptor file(retrying([&] { return calls_->open_cached(descriptor_, path); }));
  if (file.get() < 0) {
    if (errno == ENOSYS || errno == EPERM || errno == EINVAL) can_try_ = false;
    return std::nullopt;
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode) || status.st_size == 0) return std::nullopt;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (buffer.size() < size) buffer.resize(size);

  bool in_memory = device_in_memory_.load(std::memory_order_relaxed) == status.st_dev;
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = retrying([&] {
      return in_memory ? calls_->read(file.get(), buffer.data() + done, size - done)
                       : calls_->read_cached(file.get(), buffer.data() + done, size - done,
                                             static_cast<off_t>(done));
    });
    if (count <= 0) {
      if (count == 0 || errno != EOPNOTSUPP || in_memory) return std::nullopt;
      in_memory = is_in_memory_by_nature(file.get());
      if (!in_memory) {
        can_try_ = false;
        return std::nullopt;
      }
      device_in_memory_ = status.st_dev;
      continue;
    }
    done += static_cast<std::size_t>(count);
  }
  return std::span<const std::byte>(buffer).first(size);
}

std::size_t FileReader::will_need(const char* path) const {
  const Descriptor file(retrying([&] { return calls_->open(descriptor_, path); }));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  if (status.st_size <= 0 || status.st_dev == device_in_memory_) return 0;
  // The last byte speaks for the file: a file is read from its front.
  std::byte last{};
  if (calls_->read_cached(file.get(), &last, 1, status.st_size - 1) == 1) return 0;
  if (::posix_fadvise(file.get(), 0, 0, POSIX_FADV_WILLNEED) != 0) return 0;
  return static_cast<std::size_t>(status.st_size);
}

std::uint64_t FileReader::stamp(const char* path) const {
  struct stat status {};
  if (::fstatat(descriptor_, path, &status, 0) != 0) return 0;
  return Fingerprint()
      .add(std::int64_t{status.st_size})
      .add(std::int64_t{status.st_mtim.tv_sec})
      .add(std::int64_t{status.st_mtim.tv_nsec})
      .value();
}

}  // namespace headrace
