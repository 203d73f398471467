#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace headrace {

// A file that is there whole or not at all. It is written beside its place, under another name in
// the same folder, and put there by commit(): until then, and for good if anything fails, what was
// at `path` stays as it was. Destroying an uncommitted file removes what it wrote.
//
// A link is followed: the file it points to is replaced, and the link stays. A file that is
// replaced hands its permissions on. Not for use by two threads at a time.
class AtomicFile {
 public:
  enum class Durability {
    synced,    // on the disk when commit() returns: survives a power cut
    buffered,  // left to the operating system: for many small files that can be made again
  };

  // Throws Error{io} naming `path` if its folder is missing or refuses, or if `path` is there and
  // is no regular file.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Throws Error{io} naming `path` (full disk, ...).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  // Puts the file in its place; nothing may be written after. Throws Error{io} naming `path`.
  void commit(Durability durability = Durability::synced);

 private:
  void flush();
  void write_through(std::span<const std::byte> bytes);

  std::filesystem::path path_;    // as the caller said it, for messages
  std::filesystem::path target_;  // with links followed
  std::filesystem::path temporary_;
  std::vector<std::byte> buffer_;
  int descriptor_ = -1;
};

// The whole of a file at once: AtomicFile, write, commit.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace headrace
