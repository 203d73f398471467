#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/formats/byte_source.h"

namespace headrace {

// What a shard holds, in WebDataset's convention: files in a row whose names are equal up to the
// first dot behind the last slash are one sample; what follows the dot, in small letters, is the
// field. Private to formats.
struct TarIndex {
  struct Text {  // a part of `text`
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
  };
  struct Member {
    std::uint64_t offset = 0;  // in the archive
    std::uint64_t size = 0;
    std::uint32_t extension = 0;  // index into `extensions`
    std::uint32_t flags = 0;
    Text label = {};  // what the file says, if flags has has_label
  };
  static constexpr std::uint32_t is_image = 1;   // by its first bytes
  static constexpr std::uint32_t has_label = 2;  // a short text, or JSON with a label at its top
  struct Sample {
    Text key = {};
    std::uint32_t first = 0;  // of `members`
    std::uint32_t count = 0;
  };

  std::vector<std::string> extensions;
  std::vector<Member> members;
  std::vector<Sample> samples;
  std::string text;

  std::string_view at(Text part) const {
    return std::string_view(text).substr(part.offset, part.length);
  }
  std::span<const Member> of(const Sample& sample) const {
    return std::span(members).subspan(sample.first, sample.count);
  }
};

// Reads all headers of an archive, and its labels. Throws what TarParser throws, and
// Error{corrupt_data} if a sample has the same field twice.
TarIndex make_tar_index(const ByteSource& source, const std::string& name);

// The version of an archive that an index is of.
struct TarVersion {
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
};

// As a file: a word for its kind, the version, counts, the arrays, and a hash of all that.
std::vector<std::byte> encode_tar_index(const TarIndex& index, const TarVersion& version);

// Nothing if the bytes are not the index of just that version, whole and unchanged.
std::optional<TarIndex> decode_tar_index(std::span<const std::byte> bytes,
                                         const TarVersion& version);

}  // namespace headrace
