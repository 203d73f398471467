#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace headrace {

// Reads a file from its beginning to its end, decompressing it if it is compressed by gzip.
class GzipReader {
 public:
  // Throws Error{io} as FileReader does.
  explicit GzipReader(const std::filesystem::path& path);

  // Fills `into`, or less of it at the end of the data; returns how much.
  // Throws Error{corrupt_data} if the compressed data are damaged.
  std::size_t read(std::span<std::byte> into);
  // More bytes than the file can possibly hold, compressed as it is.
  std::uint64_t upper_bound() const;
  // True if the data end here, and end properly.
  bool at_end();

 private:
  struct Close {
    void operator()(void* file) const;
  };

  std::filesystem::path path_;
  std::uint64_t file_bytes_ = 0;
  std::unique_ptr<void, Close> file_;  // gzFile
};

}  // namespace headrace
