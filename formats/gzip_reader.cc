#include "headrace/formats/gzip_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {

void GzipReader::Close::operator()(void* file) const { ::gzclose_r(static_cast<gzFile>(file)); }

GzipReader::GzipReader(const std::filesystem::path& path) : path_(path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) throw io_error("cannot open " + path.string(), errno);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    throw Error(ErrorCode::io, "cannot read " + path.string() + ": it is not a regular file");
  }
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);
  file_.reset(::gzdopen(descriptor, "rb"));
  if (!file_) {
    ::close(descriptor);
    throw Error(ErrorCode::io, "cannot read " + path.string() + ": out of memory");
  }
  ::gzbuffer(static_cast<gzFile>(file_.get()), 1U << 17);
}

std::size_t GzipReader::read(std::span<std::byte> into) {
  constexpr std::size_t most_at_once = std::size_t{1} << 30;
  const auto file = static_cast<gzFile>(file_.get());
  std::size_t done = 0;
  while (done < into.size()) {
    const std::size_t wanted = std::min(into.size() - done, most_at_once);
    const int count = ::gzread(file, into.data() + done, static_cast<unsigned>(wanted));
    if (count <= 0) {
      // At an end that comes too early zlib returns 0 as at a proper one, and tells by its code.
      int code = Z_OK;
      const std::string message = ::gzerror(file, &code);
      if (code == Z_OK || code == Z_STREAM_END) break;
      if (code == Z_ERRNO) throw io_error("cannot read " + path_.string(), errno);
      throw Error(ErrorCode::corrupt_data,
                  path_.string() + ": the gzip data are damaged or cut short (" + message + ")");
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

std::uint64_t GzipReader::upper_bound() const {
  // Deflate makes at most 258 bytes of 2 bits.
  constexpr std::uint64_t most_expansion = 1032;
  const bool is_plain = ::gzdirect(static_cast<gzFile>(file_.get())) != 0;
  return is_plain ? file_bytes_ : file_bytes_ * most_expansion;
}

bool GzipReader::at_end() {
  std::byte more{};
  return read(std::span(&more, 1)) == 0;
}

}  // namespace headrace
