#include "headrace/formats/pack_layout.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <limits>

#include "headrace/pipeline/error.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace headrace::pack {

static_assert(std::endian::native == std::endian::little);

namespace {

constexpr std::size_t most_dimensions = 8;
constexpr std::int64_t most_elements = std::int64_t{1} << 30;
constexpr std::size_t most_name_bytes = std::size_t{1} << 16;

std::array<char, 16> magic_bytes() {
  std::array<char, 16> bytes{};
  std::copy(magic.begin(), magic.end(), bytes.begin());
  return bytes;
}

template <class T>
std::uint64_t own_check(const T& value, std::uint64_t pack) {
  return check_of(bytes_of(value).first(sizeof(T) - sizeof(std::uint64_t)), pack);
}

[[noreturn]] void refuse(const char* why) { throw Error(ErrorCode::corrupt_data, why); }

class Writer {
 public:
  template <class T>
  void number(T value) {
    const auto bytes = bytes_of(value);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  T number() {
    if (bytes_.size() < sizeof(T)) refuse("its description ends early");
    const T value = load<T>(bytes_, 0);
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  // A number of things of which each takes `bytes_each` at least, so that memory for them is there.
  std::size_t count(std::size_t most, std::size_t bytes_each) {
    const std::size_t value = number<std::uint32_t>();
    if (value > most || value > bytes_.size() / bytes_each) refuse("its description is too long");
    return value;
  }
  std::string text() {
    const std::size_t size = count(most_name_bytes, 1);
    std::string text(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return text;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
};

bool is_for_pixels(ElementType type) { return type == ElementType::u8 || type == ElementType::f32; }

// The bytes that a field's values have in every record; 0: as many as it says.
std::size_t fixed_bytes(const DatasetField& field) {
  if (field.kind == FieldKind::class_label) return sizeof(std::int32_t);
  if (field.kind != FieldKind::values) return 0;
  std::size_t elements = 1;
  for (const std::int64_t extent : field.shape) elements *= static_cast<std::size_t>(extent);
  return elements * size_of(field.type);
}

DatasetField read_field(Reader& reader) {
  DatasetField field;
  field.name = reader.text();
  // How it moves with its image lies above its kind.
  const auto kind_and_target = reader.number<std::uint32_t>();
  const std::uint32_t kind = kind_and_target & 0xFF;
  const std::uint32_t target = kind_and_target >> 8;
  const auto type = reader.number<std::uint32_t>();
  if (kind > static_cast<std::uint32_t>(FieldKind::values) ||
      target > static_cast<std::uint32_t>(FieldTarget::boxes) ||
      type > static_cast<std::uint32_t>(ElementType::f64)) {
    refuse("its description has a field of an unknown kind");
  }
  field.kind = static_cast<FieldKind>(kind);
  field.target = static_cast<FieldTarget>(target);
  field.type = static_cast<ElementType>(type);
  const std::size_t dimensions = reader.count(most_dimensions, sizeof(std::int64_t));
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const auto extent = reader.number<std::int64_t>();
    const bool differs = extent == 0 && field.kind == FieldKind::pixels && i < 2;
    if (extent < (differs ? 0 : 1) || extent > most_elements / elements) {
      refuse("its description has a field of an impossible shape");
    }
    if (!differs) elements *= extent;
    field.shape.push_back(extent);
  }
  if (field.kind == FieldKind::pixels && (dimensions != 3 || !is_for_pixels(field.type))) {
    refuse("its description has pixels of an impossible shape");
  }
  return field;
}

}  // namespace

std::uint64_t check_of(std::span<const std::byte> bytes, std::uint64_t pack) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), pack);
}

std::vector<std::byte> to_bytes(const Description& description) {
  Writer writer;
  writer.number(static_cast<std::uint32_t>(description.part_bytes.size()));
  for (const std::uint64_t bytes : description.part_bytes) writer.number(bytes);
  writer.number(static_cast<std::uint32_t>(description.fields.size()));
  for (const DatasetField& field : description.fields) {
    writer.text(field.name);
    writer.number(static_cast<std::uint32_t>(field.kind) | static_cast<std::uint32_t>(field.target)
                                                               << 8);
    writer.number(static_cast<std::uint32_t>(field.type));
    writer.number(static_cast<std::uint32_t>(field.shape.size()));
    for (const std::int64_t extent : field.shape) writer.number(extent);
  }
  writer.number(static_cast<std::uint32_t>(description.classes.size()));
  for (const std::string& name : description.classes) writer.text(name);
  writer.text(description.source);
  writer.text(description.how);
  return writer.take();
}

Description parse_description(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  Description description;
  const std::size_t parts = reader.count(most_parts, sizeof(std::uint64_t));
  for (std::size_t i = 0; i < parts; ++i) {
    description.part_bytes.push_back(reader.number<std::uint64_t>());
  }
  const std::size_t fields = reader.count(most_fields, 16);
  for (std::size_t i = 0; i < fields; ++i) description.fields.push_back(read_field(reader));
  const std::size_t classes = reader.count(std::numeric_limits<std::uint32_t>::max(), 4);
  for (std::size_t i = 0; i < classes; ++i) description.classes.push_back(reader.text());
  description.source = reader.text();
  description.how = reader.text();
  if (!reader.at_end()) refuse("its description is too long");
  if (parts == 0 || fields == 0) refuse("its description has no part, or no field");
  return description;
}

PartHeader make_part_header(std::uint64_t pack, std::uint32_t part) {
  PartHeader header;
  header.magic = magic_bytes();
  header.pack = pack;
  header.part = part;
  header.check = own_check(header, pack);
  return header;
}

bool is_sound(const PartHeader& header) {
  return header.magic == magic_bytes() && header.check == own_check(header, header.pack);
}

void seal(Footer& footer) {
  footer.magic = magic_bytes();
  footer.check = own_check(footer, footer.pack);
}

bool is_sound(const Footer& footer) {
  return footer.magic == magic_bytes() && footer.check == own_check(footer, footer.pack);
}

void seal(RecordHeader& header, std::string_view key, std::uint64_t pack) {
  header.check = check_of(std::as_bytes(std::span(key)), own_check(header, pack));
}

bool is_sound(const RecordHeader& header, std::string_view key, std::uint64_t pack) {
  return header.check == check_of(std::as_bytes(std::span(key)), own_check(header, pack));
}

const char* parse_record(std::span<const std::byte> record, const std::vector<DatasetField>& fields,
                         FieldPlaces& places) {
  if (record.size() < sizeof(RecordHeader) + sizeof(std::uint64_t)) return "it is too short";
  const auto header = load<RecordHeader>(record, 0);
  const std::size_t end = record.size() - sizeof(std::uint64_t);
  if (header.bytes != record.size()) return "its size is another than the table says";
  if (header.fields != fields.size()) return "it has another number of fields";
  if (header.key_bytes > most_key_bytes) return "its key is too long";
  std::size_t at = sizeof(RecordHeader) + header.key_bytes;
  std::size_t data = aligned(at + fields.size() * sizeof(FieldHeader), data_alignment);
  if (data > end) return "it is too short";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const DatasetField& field = fields[i];
    FieldPlace& place = places[i];
    place = {load<FieldHeader>(record, at), data, 0};
    at += sizeof(FieldHeader);
    const FieldHeader& stored = place.header;
    if (stored.bytes > end - data) return "it is too short";
    place.hint_offset = data + stored.bytes;
    if (stored.hint_bytes > end - place.hint_offset) return "it is too short";
    const std::size_t fixed = fixed_bytes(field);
    if (fixed != 0 && stored.bytes != fixed) return "a field has another size";
    if (field.kind == FieldKind::pixels) {
      const std::size_t pixels = std::size_t{stored.height} * stored.width * stored.channels;
      if (pixels == 0 || stored.bytes != pixels * size_of(field.type) ||
          stored.channels != field.shape[2]) {
        return "its pixels have another size";
      }
    }
    data =
        std::min<std::size_t>(aligned(place.hint_offset + stored.hint_bytes, data_alignment), end);
  }
  return nullptr;
}

std::filesystem::path part_path(const std::filesystem::path& pack, std::size_t part) {
  if (part == 0) return pack;
  std::array<char, 24> suffix{};
  std::snprintf(suffix.data(), suffix.size(), ".%03zu", part);
  return pack.string() + suffix.data();
}

}  // namespace headrace::pack
