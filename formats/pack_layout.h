#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/dataset.h"

namespace headrace::pack {

// The bytes of a pack, as docs/pack.md describes them. Private to formats. Numbers are stored
// little-endian, as they lie in this machine's memory.

constexpr std::string_view magic = "headrace pack 1\n";
constexpr std::size_t alignment = 64;       // of records, in a part
constexpr std::size_t data_alignment = 16;  // of fields, in a record
constexpr std::size_t most_fields = 64;
constexpr std::size_t most_parts = 4096;
constexpr std::size_t most_key_bytes = 4096;
constexpr std::size_t most_description_bytes = std::size_t{1} << 28;

constexpr std::uint64_t aligned(std::uint64_t bytes, std::uint64_t to) {
  return (bytes + to - 1) / to * to;
}

// XXH3 (64 bits) with the pack's number as its seed, so that no bytes of another pack pass.
std::uint64_t check_of(std::span<const std::byte> bytes, std::uint64_t pack);

// What every part begins with.
struct PartHeader {
  std::array<char, 16> magic{};
  std::uint64_t pack = 0;  // the pack's number
  std::uint32_t part = 0;
  std::uint32_t zero = 0;
  std::array<std::uint64_t, 3> zeros{};
  std::uint64_t check = 0;  // of what stands before
};
static_assert(sizeof(PartHeader) == 64);

// What a record begins with; then come its key, the fields' headers, their data, and a check of all
// that.
struct RecordHeader {
  std::uint64_t position = 0;  // in the pack
  std::uint64_t source = 0;    // its index in the data set that was packed
  std::uint32_t bytes = 0;     // of the record, with this and the check
  std::uint32_t key_bytes = 0;
  std::int32_t label = -1;
  std::uint32_t fields = 0;
  std::uint64_t check = 0;  // of what stands before, then of the key
};
static_assert(sizeof(RecordHeader) == 40);

struct FieldHeader {
  std::uint32_t bytes = 0;
  std::uint32_t hint_bytes = 0;
  std::uint16_t height = 0;  // of pixels, else 0
  std::uint16_t width = 0;
  std::uint16_t channels = 0;
  std::uint16_t zero = 0;
};
static_assert(sizeof(FieldHeader) == 16);

// A record in the table.
struct Entry {
  std::uint64_t place = 0;  // the part in the upper 16 bits, the offset in the lower 48
  std::uint32_t bytes = 0;
  std::int32_t label = -1;

  std::uint64_t offset() const { return place & offset_mask; }
  std::size_t part() const { return static_cast<std::size_t>(place >> 48); }

  static constexpr std::uint64_t offset_mask = (std::uint64_t{1} << 48) - 1;
};
static_assert(sizeof(Entry) == 16);

// The last bytes of the first part.
struct Footer {
  std::array<char, 16> magic{};
  std::uint64_t pack = 0;
  std::uint64_t records = 0;
  std::uint64_t description_offset = 0;
  std::uint64_t description_bytes = 0;
  std::uint64_t table_offset = 0;
  std::uint64_t source_fingerprint = 0;
  std::uint32_t as_they_were = 0;  // 1: images are the source's, byte for byte
  std::uint32_t zero = 0;
  std::uint64_t description_check = 0;
  std::uint64_t table_check = 0;
  std::uint64_t check = 0;  // of what stands before
};
static_assert(sizeof(Footer) == 96);

// What there is to know about a pack besides its records.
struct Description {
  std::vector<std::uint64_t> part_bytes;  // of the first: without description, table and footer
  std::vector<DatasetField> fields;
  std::vector<std::string> classes;
  std::string source;  // the name of the data set that was packed
  std::string how;     // what became of its images, for people
};

std::vector<std::byte> to_bytes(const Description& description);
// Throws Error{corrupt_data} saying what is wrong with it.
Description parse_description(std::span<const std::byte> bytes);

// The magic and check are right.
PartHeader make_part_header(std::uint64_t pack, std::uint32_t part);
bool is_sound(const PartHeader& header);
bool is_sound(const Footer& footer);
bool is_sound(const RecordHeader& header, std::string_view key, std::uint64_t pack);
void seal(Footer& footer);
void seal(RecordHeader& header, std::string_view key, std::uint64_t pack);

// Where the data of a record's fields lie in it.
struct FieldPlace {
  FieldHeader header;
  std::size_t offset = 0;  // of the data
  std::size_t hint_offset = 0;
};
using FieldPlaces = std::array<FieldPlace, most_fields>;
// Looks a whole record over, without its check, and says where its fields lie. What is wrong with
// it, null if nothing is. Whatever the bytes, all places lie inside the record.
const char* parse_record(std::span<const std::byte> record, const std::vector<DatasetField>& fields,
                         FieldPlaces& places);

// "train.hpack", "train.hpack.001", ...
std::filesystem::path part_path(const std::filesystem::path& pack, std::size_t part);

template <class T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace headrace::pack
