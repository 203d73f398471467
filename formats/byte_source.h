#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {

// Bytes with random access: a file, or memory in tests. What parsers of archives read from; private
// to formats.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // Fills `into` with the bytes from `offset` on. Throws Error{io} naming the place.
  virtual void read(std::uint64_t offset, std::span<std::byte> into) const = 0;

 protected:
  ByteSource() = default;
  ByteSource(const ByteSource&) = default;
  ByteSource& operator=(const ByteSource&) = default;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t size() const override { return bytes_.size(); }
  void read(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset) {
      throw Error(ErrorCode::io, "the data end before byte " + std::to_string(offset));
    }
    const auto part = bytes_.subspan(static_cast<std::size_t>(offset), into.size());
    std::copy(part.begin(), part.end(), into.begin());
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace headrace
