#include "headrace/formats/pack_file.h"

#include <string>

#include "headrace/pipeline/error.h"

namespace headrace::pack {
namespace {

template <class T>
T read_value(const RangeReader& file, std::uint64_t offset) {
  std::array<std::byte, sizeof(T)> bytes{};
  file.read(offset, bytes);
  return load<T>(bytes, 0);
}

}  // namespace

File::File(const std::filesystem::path& path) : path_(path) {
  parts_.emplace_back(path);
  read_footer();
  read_description();
  open_parts();
  read_table();
}

void File::refuse(const std::filesystem::path& file, const std::string& why) const {
  throw Error(ErrorCode::corrupt_data,
              file.string() + ": " + why + ": make it again by headrace pack");
}

void File::read_footer() {
  const RangeReader& first = parts_[0];
  if (first.size() < sizeof(PartHeader)) refuse(path_, "it is no pack of this version, or cut off");
  const auto header = read_value<PartHeader>(first, 0);
  if (!is_sound(header)) refuse(path_, "it is no pack of this version, or its first bytes changed");
  if (header.part != 0) {
    throw Error(ErrorCode::invalid_argument,
                path_.string() + " is part " + std::to_string(header.part) +
                    " of a pack: give the first file, whose name has no number");
  }
  if (first.size() < sizeof(PartHeader) + sizeof(Footer)) refuse(path_, "it is cut off");
  const std::uint64_t end = first.size() - sizeof(Footer);
  footer_ = read_value<Footer>(first, end);
  if (!is_sound(footer_) || footer_.pack != header.pack) {
    refuse(path_, "its end is missing or damaged: it is no whole pack");
  }
  const bool ordered =
      footer_.description_offset >= sizeof(PartHeader) &&
      footer_.description_offset <= footer_.table_offset &&
      footer_.description_bytes <= footer_.table_offset - footer_.description_offset &&
      footer_.table_offset <= end;
  if (!ordered || (end - footer_.table_offset) % sizeof(Entry) != 0 ||
      (end - footer_.table_offset) / sizeof(Entry) != footer_.records) {
    refuse(path_, "its size is another than its end says");
  }
  if (footer_.records == 0) refuse(path_, "it has no records");
}

void File::read_description() {
  if (footer_.description_bytes > most_description_bytes)
    refuse(path_, "its description is too long");
  std::vector<std::byte> bytes(footer_.description_bytes);
  parts_[0].read(footer_.description_offset, bytes);
  if (check_of(bytes, number()) != footer_.description_check) {
    refuse(path_, "its description is damaged");
  }
  try {
    description_ = parse_description(bytes);
  } catch (const Error& error) {
    refuse(path_, error.what());
  }
}

void File::open_parts() {
  if (description_.part_bytes[0] > footer_.description_offset) {
    refuse(path_, "its description is of another file");
  }
  for (std::size_t i = 1; i < description_.part_bytes.size(); ++i) {
    const auto path = part_path(path_, i);
    const RangeReader& part = parts_.emplace_back(path);
    if (part.size() != description_.part_bytes[i] || part.size() < sizeof(PartHeader)) {
      refuse(path, "it has " + std::to_string(part.size()) + " bytes instead of " +
                       std::to_string(description_.part_bytes[i]));
    }
    const auto header = read_value<PartHeader>(part, 0);
    if (!is_sound(header) || header.pack != number() || header.part != i) {
      refuse(path, "it is no part " + std::to_string(i) + " of " + path_.string());
    }
  }
}

void File::read_table() {
  table_.resize(footer_.records);  // no more than the file has
  parts_[0].read(footer_.table_offset, std::as_writable_bytes(std::span(table_)));
  if (check_of(std::as_bytes(std::span(table_)), number()) != footer_.table_check) {
    refuse(path_, "its table is damaged");
  }
  constexpr std::size_t least = sizeof(RecordHeader) + sizeof(std::uint64_t);
  const std::vector<std::uint64_t>& ends = description_.part_bytes;
  const auto classes = static_cast<std::int64_t>(description_.classes.size());
  for (const Entry& entry : table_) {
    const bool inside = entry.part() < ends.size() && entry.bytes >= least &&
                        entry.offset() >= sizeof(PartHeader) &&
                        entry.offset() <= ends[entry.part()] &&
                        entry.bytes <= ends[entry.part()] - entry.offset();
    if (!inside || entry.label < -1 || (classes > 0 && entry.label >= classes)) {
      refuse(path_, "its table makes no sense at record " + std::to_string(&entry - table_.data()));
    }
  }
}

std::uint64_t File::bytes() const {
  std::uint64_t sum = 0;
  for (const RangeReader& part : parts_) sum += part.size();
  return sum;
}

}  // namespace headrace::pack
