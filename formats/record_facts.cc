#include "headrace/formats/record_facts.h"

#include <algorithm>

namespace headrace {

const std::array<FindingName, 16>& finding_names() {
  static constexpr std::array<FindingName, 16> names = {{
      {Finding::unreadable, "unreadable", "cannot be read"},
      {Finding::empty, "empty", "empty"},
      {Finding::no_image, "no-image", "no image"},
      {Finding::truncated, "truncated", "ends early"},
      {Finding::corrupt, "corrupt", "damaged"},
      {Finding::unsupported, "unsupported", "of a kind that is not decoded"},
      {Finding::unknown_label, "unknown-label", "no label that is known"},
      {Finding::cmyk, "cmyk", "CMYK"},
      {Finding::rotated, "rotated", "to be turned or mirrored, by its EXIF data"},
      {Finding::sixteen_bit, "16-bit", "16 bits a sample"},
      {Finding::grey_in_colour, "grey-in-colour", "grey, stored in colour"},
      {Finding::misnamed, "misnamed", "suffix of another kind of image"},
      {Finding::odd_size, "odd-size", "tiny, huge or very long"},
      {Finding::duplicate, "duplicate", "the same as one before"},
      {Finding::near_duplicate, "near-duplicate", "looks like one before"},
      {Finding::two_labels, "two-labels", "the same as one of another label"},
  }};
  return names;
}

std::string to_text(std::uint32_t findings) {
  std::string text;
  for (const FindingName& known : finding_names()) {
    if ((findings & bit(known.finding)) == 0) continue;
    if (!text.empty()) text += ',';
    text += known.name;
  }
  return text;
}

std::optional<std::uint32_t> parse_findings(std::string_view text) {
  std::uint32_t findings = 0;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view name = text.substr(0, comma);
    const auto& names = finding_names();
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](const FindingName& known) { return known.name == name; });
    if (found == names.end()) return std::nullopt;
    findings |= bit(found->finding);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return findings;
}

std::string_view image_kind_name(std::uint8_t kind) {
  constexpr std::array<std::string_view, 8> names = {"-",   "JPEG", "PNG", "WebP",
                                                     "BMP", "TIFF", "PNM", "GIF"};
  return kind < names.size() ? names[kind] : names[0];
}

}  // namespace headrace
