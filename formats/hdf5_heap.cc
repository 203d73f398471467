#include "headrace/formats/hdf5_heap.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t head_bytes = 16;  // of a collection, and of an object in it
constexpr std::uint64_t most_objects = 65'536;
constexpr std::string_view signature = "GCOL";

// Numbers of HDF5 are little-endian.
std::uint64_t number(std::span<const std::byte> bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[offset + i]);
  }
  return value;
}

class Collection {
 public:
  Collection(const ByteSource& file, const std::string& name, std::uint64_t begin)
      : file_(file), name_(name), begin_(begin) {
    const std::uint64_t left = file.size() > begin ? file.size() - begin : 0;
    if (left < head_bytes) fail(begin, "a global heap begins behind the end of the file");
    const auto head = read_head(begin);
    if (std::memcmp(head.data(), signature.data(), signature.size()) != 0) {
      fail(begin, "there is no global heap");
    }
    size_ = number(head, 8, 8);
    if (size_ < head_bytes || size_ > left) fail(begin, "a global heap that cannot be as large");
  }

  // Where an object's bytes are in the file, at least `length` of them.
  std::uint64_t find(std::uint32_t object, std::uint64_t length) const {
    std::uint64_t at = head_bytes;
    for (std::uint64_t seen = 0; seen < most_objects && size_ - at >= head_bytes; ++seen) {
      const auto head = read_head(begin_ + at);
      const std::uint64_t index = number(head, 0, 2), size = number(head, 8, 8);
      at += head_bytes;
      if (index == 0) break;  // what is free is the last
      if (size > size_ - at) fail(begin_ + at, "an object is larger than its global heap");
      if (index == object) {
        if (length > size) fail(begin_ + at, "an object is shorter than its reference says");
        return begin_ + at;
      }
      at += std::min((size + 7) / 8 * 8, size_ - at);
    }
    fail(begin_, "its global heap has no object " + std::to_string(object));
  }

 private:
  std::array<std::byte, head_bytes> read_head(std::uint64_t at) const {
    std::array<std::byte, head_bytes> head;
    file_.read(at, head);
    return head;
  }
  [[noreturn]] void fail(std::uint64_t at, const std::string& what) const {
    throw Error(ErrorCode::corrupt_data, name_ + " at byte " + std::to_string(at) + ": " + what);
  }

  const ByteSource& file_;
  const std::string& name_;
  std::uint64_t begin_;
  std::uint64_t size_ = 0;
};

}  // namespace

HeapReference HeapReference::parse(std::span<const std::byte, bytes> from) {
  return {static_cast<std::uint32_t>(number(from, 0, 4)), number(from, 4, 8),
          static_cast<std::uint32_t>(number(from, 12, 4))};
}

std::size_t read_heap_value(const ByteSource& file, const std::string& name,
                            const HeapReference& reference, std::vector<std::byte>& into) {
  if (reference.length == 0) return 0;  // has no place
  const Collection collection(file, name, reference.collection);
  const std::uint64_t place = collection.find(reference.object, reference.length);
  if (into.size() < reference.length) into.resize(reference.length);
  file.read(place, std::span(into).first(reference.length));
  return reference.length;
}

}  // namespace headrace
