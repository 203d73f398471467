#include "headrace/formats/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "headrace/pipeline/error.h"

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

int open_retrying(int folder, const char* path, int flags) {
  int descriptor = -1;
  do {
    descriptor = ::openat(folder, path, flags | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

FileReader::FileReader(std::filesystem::path folder)
    : folder_(std::move(folder)), descriptor_(AT_FDCWD) {
  if (folder_.empty()) return;
  descriptor_ = open_retrying(AT_FDCWD, folder_.c_str(), O_PATH | O_DIRECTORY);
  if (descriptor_ < 0) throw io_error("cannot open folder " + folder_.string(), errno);
}

FileReader::FileReader(FileReader&& other) noexcept
    : folder_(std::move(other.folder_)), descriptor_(std::exchange(other.descriptor_, AT_FDCWD)) {}

FileReader& FileReader::operator=(FileReader&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileReader::~FileReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string FileReader::shown(const char* path) const { return (folder_ / path).string(); }

std::span<const std::byte> FileReader::read(const char* path,
                                            std::vector<std::byte>& buffer) const {
  // Opening a pipe for reading waits for a writer, unless O_NONBLOCK says not to.
  const Descriptor file(open_retrying(descriptor_, path, O_RDONLY | O_NONBLOCK));
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
    const ssize_t count = ::read(file.get(), buffer.data() + done, size - done);
    if (count < 0 && errno != EINTR) throw io_error("cannot read " + shown(path), errno);
    if (count == 0) {
      throw Error(ErrorCode::io, shown(path) + " became shorter while it was read");
    }
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  return std::span<const std::byte>(buffer).first(size);
}

}  // namespace headrace
