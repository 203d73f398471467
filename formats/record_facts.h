#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headrace {

// What may be odd about a record. Bits, so that a record can have several.
enum class Finding : std::uint32_t {
  unreadable = 1u << 0,     // its file is missing, forbidden, ...
  empty = 1u << 1,          // no bytes
  no_image = 1u << 2,       // bytes of no kind of image
  truncated = 1u << 3,      // ends early
  corrupt = 1u << 4,        // damaged: other programs decode it with warnings, or not
  unsupported = 1u << 5,    // an image that Headrace does not decode
  unknown_label = 1u << 6,  // none, where others have one
  cmyk = 1u << 7,
  rotated = 1u << 8,          // by its EXIF data
  sixteen_bit = 1u << 9,      // a sample
  grey_in_colour = 1u << 10,  // three channels that are the same
  misnamed = 1u << 11,        // its suffix is that of another kind of image
  odd_size = 1u << 12,        // tiny, huge, or very long
  duplicate = 1u << 13,       // the same bytes as a record before it
  near_duplicate = 1u << 14,  // looks like a record before it
  two_labels = 1u << 15,      // the same bytes as a record with another label
};

constexpr std::uint32_t bit(Finding finding) { return static_cast<std::uint32_t>(finding); }

// Those that cannot be loaded.
constexpr std::uint32_t unusable = bit(Finding::unreadable) | bit(Finding::empty) |
                                   bit(Finding::no_image) | bit(Finding::truncated) |
                                   bit(Finding::corrupt) | bit(Finding::unsupported) |
                                   bit(Finding::unknown_label);

struct FindingName {
  Finding finding;
  std::string_view name;  // "near-duplicate"
  std::string_view text;  // "looks like one before"
};
// All findings, by their bits.
const std::array<FindingName, 16>& finding_names();
// Names, parted by commas; "" for none.
std::string to_text(std::uint32_t findings);
// The other way round; nothing if a name is none.
std::optional<std::uint32_t> parse_findings(std::string_view text);

// What one look at a record tells.
struct RecordFacts {
  std::uint64_t hash = 0;    // XXH3 of its bytes or pixels; 0: they could not be read
  std::uint64_t across = 0;  // how it looks: whether each of 8 x 8 places is darker than the one
  std::uint64_t down = 0;    // to its right, and below it; 0: unknown, or it is of one colour
  std::uint64_t bytes = 0;
  std::uint32_t findings = 0;
  std::int32_t label = -1;
  std::int32_t height = 0;  // as stored; 0: unknown
  std::int32_t width = 0;
  std::array<std::uint8_t, 3> mean{};  // of its channels, roughly
  std::uint8_t channels = 0;           // as stored
  std::uint8_t bits = 0;               // a sample
  std::uint8_t orientation = 1;
  std::uint8_t kind = 0;  // 0: pixels, or unknown; else that of image_kind_name()

  bool has(Finding finding) const { return (findings & bit(finding)) != 0; }
  void add(Finding finding) { findings |= bit(finding); }
};

// "JPEG", "PNG", ...; "-" for 0.
std::string_view image_kind_name(std::uint8_t kind);

}  // namespace headrace
