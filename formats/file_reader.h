#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace headrace {

// Reads whole files. Keeps the folder that paths are relative to open, so that each file costs
// only the walk from there. Const functions are safe to call from many threads at once.
class FileReader {
 public:
  // Empty: relative to the working directory.
  // Throws Error{io} if the folder cannot be opened.
  explicit FileReader(std::filesystem::path folder = {});
  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&& other) noexcept;
  ~FileReader();

  // Reads `path`, relative to the folder or absolute, into `buffer`, which grows when it must and
  // never shrinks. Returns the part of it that holds the file.
  // Throws Error{io} "cannot open PATH: ..." (or read; a folder, pipe or device is refused and
  // never waited for), Error{corrupt_data} "PATH is empty".
  std::span<const std::byte> read(const char* path, std::vector<std::byte>& buffer) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::string shown(const char* path) const;

  std::filesystem::path folder_;
  int descriptor_;
};

}  // namespace headrace
