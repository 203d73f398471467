#include "headrace/formats/pack_parts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "headrace/formats/range_reader.h"
#include "headrace/pipeline/error.h"

namespace headrace::pack {
namespace {

namespace fs = std::filesystem;

void sync_folder_of(const fs::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder may be writable and not readable
  ::fsync(descriptor);
  ::close(descriptor);
}

bool read_all(int descriptor, std::uint64_t offset, std::span<std::byte> into) {
  for (std::size_t done = 0; done < into.size();) {
    const ssize_t count = ::pread(descriptor, into.data() + done, into.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

bool is_part(const fs::path& path) {
  try {
    const RangeReader file(path);
    std::array<std::byte, sizeof(PartHeader)> bytes{};
    if (file.size() < bytes.size()) return false;
    file.read(0, bytes);
    return is_sound(load<PartHeader>(bytes, 0));
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

PartFiles::PartFiles(const fs::path& pack, std::uint64_t number, std::uint64_t most)
    : pack_(pack), number_(number), most_(most) {
  open_part(0, true);
  if (::flock(parts_[0].descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(parts_[0].descriptor);
    throw Error(ErrorCode::io, partial_path(0).string() + ": another process is writing this pack");
  }
}

PartFiles::~PartFiles() {
  for (const Part& part : parts_) {
    if (part.descriptor >= 0) ::close(part.descriptor);
  }
}

fs::path PartFiles::partial_path(std::size_t part) const {
  return part_path(pack_.string() + ".partial", part);
}

// False if it is not there, and may not be made.
bool PartFiles::open_part(std::size_t part, bool may_make) {
  const fs::path path = partial_path(part);
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (may_make ? O_CREAT : 0), 0666);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0 && !may_make) return false;
  if (descriptor < 0) throw io_error("cannot write " + path.string(), errno);
  parts_.push_back({descriptor, sizeof(PartHeader)});
  return true;
}

// Makes the last part that was opened an empty one.
void PartFiles::begin_part() {
  const std::size_t part = parts_.size() - 1;
  if (::ftruncate(parts_[part].descriptor, 0) != 0) {
    throw io_error("cannot write " + partial_path(part).string(), errno);
  }
  write_at(part, 0, bytes_of(make_part_header(number_, static_cast<std::uint32_t>(part))));
}

// False if there is no whole record of the next position and source at the end of what is known.
bool PartFiles::take_over_record(std::size_t part, std::uint64_t size,
                                 std::vector<std::byte>& buffer) {
  const int descriptor = parts_[part].descriptor;
  const std::uint64_t offset = aligned(parts_[part].end, alignment);
  std::array<std::byte, sizeof(RecordHeader)> begin{};
  if (offset + sizeof begin > size || !read_all(descriptor, offset, begin)) return false;
  const auto header = load<RecordHeader>(begin, 0);
  constexpr std::size_t least = sizeof(RecordHeader) + sizeof(std::uint64_t);
  if (header.bytes < least || header.bytes > size - offset ||
      header.key_bytes > header.bytes - least || header.position != table_.size() ||
      header.source != table_.size()) {
    return false;
  }
  buffer.resize(header.bytes);
  if (!read_all(descriptor, offset, buffer)) return false;
  const std::size_t end = header.bytes - sizeof(std::uint64_t);
  if (check_of(std::span(buffer).first(end), number_) != load<std::uint64_t>(buffer, end)) {
    return false;
  }
  table_.push_back({std::uint64_t{part} << 48 | offset, header.bytes, header.label});
  parts_[part].end = offset + header.bytes;
  return true;
}

void PartFiles::take_over(const std::atomic<bool>* stop,
                          const std::function<void(std::int64_t)>& progress) {
  std::vector<std::byte> buffer;
  for (;;) {
    const std::size_t part = parts_.size() - 1;
    struct stat status {};
    std::array<std::byte, sizeof(PartHeader)> begin{};
    const bool known = ::fstat(parts_[part].descriptor, &status) == 0 &&
                       read_all(parts_[part].descriptor, 0, begin);
    const auto header = load<PartHeader>(begin, 0);
    if (!known || !is_sound(header) || header.pack != number_ || header.part != part) {
      begin_part();
      break;
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    while (take_over_record(part, size, buffer)) {
      if (stop != nullptr && *stop)
        throw Error(ErrorCode::cancelled, pack_.string() + " is as it was");
      if (progress && table_.size() % 256 == 0) progress(static_cast<std::int64_t>(table_.size()));
    }
    if (parts_[part].end < size) {
      if (::ftruncate(parts_[part].descriptor, static_cast<off_t>(parts_[part].end)) != 0) {
        throw io_error("cannot write " + partial_path(part).string(), errno);
      }
      break;
    }
    if (part + 1 == most_parts || !open_part(part + 1, false)) break;
  }
  std::error_code none;
  for (std::size_t i = parts_.size(); fs::remove(partial_path(i), none); ++i) continue;
}

void PartFiles::read(const Entry& entry, std::vector<std::byte>& into) const {
  into.resize(std::min<std::size_t>(into.size(), entry.bytes));
  if (!read_all(parts_[entry.part()].descriptor, entry.offset(), into)) {
    throw Error(ErrorCode::io, "cannot read " + partial_path(entry.part()).string());
  }
}

Entry PartFiles::add(std::uint32_t bytes, std::int32_t label) {
  const auto next = [this] { return aligned(parts_.back().end, alignment); };
  if (most_ != 0 && parts_.back().end > sizeof(PartHeader) && next() + bytes > most_) {
    if (parts_.size() == most_parts) {
      throw Error(ErrorCode::invalid_argument, pack_.string() + ": it would have more than " +
                                                   std::to_string(most_parts) +
                                                   " parts: let them be larger");
    }
    open_part(parts_.size(), true);
    begin_part();
  }
  const std::uint64_t offset = next();
  parts_.back().end = offset + bytes;
  return table_.emplace_back(Entry{std::uint64_t{parts_.size() - 1} << 48 | offset, bytes, label});
}

void PartFiles::write(const Entry& entry, std::span<const std::byte> record) const {
  write_at(entry.part(), entry.offset(), record);
}

void PartFiles::write_at(std::size_t part, std::uint64_t offset,
                         std::span<const std::byte> bytes) const {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::pwrite(parts_[part].descriptor, bytes.data() + done,
                                   bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno != EINTR) {
      throw io_error("cannot write " + partial_path(part).string(), errno);
    }
    if (count > 0) done += static_cast<std::size_t>(count);
  }
}

std::uint64_t PartFiles::finish(Description description, Footer footer) {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) {
    description.part_bytes.push_back(part.end);
    sum += part.end;
  }
  const std::vector<std::byte> text = to_bytes(description);
  const auto table = std::as_bytes(std::span(table_));
  footer.pack = number_;
  footer.records = table_.size();
  footer.description_offset = aligned(parts_[0].end, alignment);
  footer.description_bytes = text.size();
  footer.table_offset = aligned(footer.description_offset + text.size(), alignment);
  footer.description_check = check_of(text, number_);
  footer.table_check = check_of(table, number_);
  seal(footer);
  write_at(0, footer.description_offset, text);
  write_at(0, footer.table_offset, table);
  write_at(0, footer.table_offset + table.size(), bytes_of(footer));
  put_in_place();
  return sum - parts_[0].end + footer.table_offset + table.size() + sizeof footer;
}

// An old pack of several parts goes first: what can be seen is never of two packs.
void PartFiles::put_in_place() {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    while (::fsync(parts_[i].descriptor) != 0) {
      if (errno == EINVAL || errno == ENOTSUP) break;  // the file system has no such thing
      if (errno != EINTR) throw io_error("cannot write " + partial_path(i).string(), errno);
    }
  }
  std::error_code error;
  if (parts_.size() > 1 || is_part(part_path(pack_, 1))) fs::remove(pack_, error);
  for (std::size_t i = parts_.size(); i-- > 0;) {
    const fs::path to = part_path(pack_, i);
    fs::rename(partial_path(i), to, error);
    if (error) throw io_error("cannot write " + to.string(), error.value());
  }
  sync_folder_of(pack_);
  for (std::size_t i = parts_.size(); is_part(part_path(pack_, i)); ++i) {
    fs::remove(part_path(pack_, i), error);
  }
}

}  // namespace headrace::pack
