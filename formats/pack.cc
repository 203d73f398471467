#include "headrace/formats/pack.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "headrace/formats/file_reader.h"
#include "headrace/formats/label_names.h"
#include "headrace/formats/pack_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/image.h"

namespace headrace {
namespace {

using pack::Entry;

bool is_image(const DatasetField& field) {
  return field.kind == FieldKind::encoded_image || field.kind == FieldKind::pixels;
}

class PackDataset final : public Dataset {
 public:
  PackDataset(const std::filesystem::path& path, const DataOptions& options);

  std::int64_t size() const override { return static_cast<std::int64_t>(file_.table().size()); }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override { get(index, into, true); }
  bool try_read(std::int64_t index, Record& into) const override { return get(index, into, false); }
  std::size_t will_need(std::int64_t index) const override {
    const Entry& entry = this->entry(index);
    return file_.part(entry).will_need(entry.offset(), entry.bytes);
  }
  std::int64_t label(std::int64_t index) const override { return mapped(entry(index).label); }
  std::string key(std::int64_t index) const override;
  std::uint64_t fingerprint() const override;
  std::optional<std::uint64_t> content_fingerprint() const override {
    const pack::Footer& footer = file_.footer();
    return Fingerprint()
        .add(fingerprint())
        .add(footer.pack)
        .add(footer.table_check)
        .add(file_.bytes())
        .add(FileReader().stamp(file_.path().c_str()))
        .value();
  }

 private:
  const Entry& entry(std::int64_t index) const {
    return file_.table()[static_cast<std::size_t>(index)];
  }
  std::int32_t mapped(std::int32_t label) const {
    return label < 0 || classes_.empty() ? label : classes_[static_cast<std::size_t>(label)];
  }
  void map_classes(const std::vector<std::string>& expected);
  bool get(std::int64_t index, Record& into, bool may_wait) const;
  void check(std::int64_t index, std::span<const std::byte> record,
             pack::FieldPlaces& places) const;

  pack::File file_;
  DatasetInfo info_;
  std::vector<std::int32_t> classes_;  // of the pack's, those that are expected; empty: the same
  std::size_t home_ = 0;               // the field in whose buffer records lie
  std::size_t label_ = 0;              // the field of the label; as many as there are: none
};

PackDataset::PackDataset(const std::filesystem::path& path, const DataOptions& options)
    : file_(path) {
  info_.name = path.string();
  info_.fields = file_.description().fields;
  info_.classes = file_.description().classes;
  const auto& fields = info_.fields;
  const auto find = [&](auto is_wanted) {
    return static_cast<std::size_t>(std::find_if(fields.begin(), fields.end(), is_wanted) -
                                    fields.begin());
  };
  home_ = find(is_image);
  label_ = find([](const DatasetField& field) { return field.kind == FieldKind::class_label; });
  if (home_ == fields.size()) {
    throw Error(ErrorCode::corrupt_data, path.string() + ": it holds no images");
  }
  if (!options.classes.empty() && options.classes != info_.classes) map_classes(options.classes);
}

void PackDataset::map_classes(const std::vector<std::string>& expected) {
  const std::vector<std::string>& own = info_.classes;
  for (const std::string& name : own) classes_.push_back(class_index(name, expected));
  for (std::int64_t i = 0; i < size() && !own.empty(); ++i) {
    const std::int32_t label = entry(i).label;
    if (label < 0 || mapped(label) >= 0) continue;
    throw Error(ErrorCode::corrupt_data,
                key(i) + ": label '" + own[static_cast<std::size_t>(label)] +
                    "' is not one of the " + std::to_string(expected.size()) + " classes" +
                    list_classes(expected));
  }
  if (label_ != info_.fields.size()) info_.classes = expected;
}

void PackDataset::check(std::int64_t index, std::span<const std::byte> record,
                        pack::FieldPlaces& places) const {
  const std::size_t end = record.size() - sizeof(std::uint64_t);
  const char* wrong = nullptr;
  if (pack::check_of(record.first(end), file_.number()) != pack::load<std::uint64_t>(record, end)) {
    wrong = "its bytes are not those that were packed";
  } else if (pack::load<pack::RecordHeader>(record, 0).position !=
             static_cast<std::uint64_t>(index)) {
    wrong = "another record lies there";
  } else {
    wrong = pack::parse_record(record, info_.fields, places);
  }
  if (wrong == nullptr) return;
  const Entry& entry = this->entry(index);
  throw Error(ErrorCode::corrupt_data, "damaged at byte " + std::to_string(entry.offset()) +
                                           " of " + file_.part(entry).path().string() + ": " +
                                           wrong + "; pack the data again");
}

// False if it would have to wait.
bool PackDataset::get(std::int64_t index, Record& into, bool may_wait) const {
  const Entry& entry = this->entry(index);
  const RangeReader& part = file_.part(entry);
  into.values.resize(info_.fields.size());
  std::vector<std::byte>& buffer = into.values[home_].buffer;
  if (buffer.size() < entry.bytes + Image::padding) buffer.resize(entry.bytes + Image::padding);
  const std::span<std::byte> record(buffer.data(), entry.bytes);
  if (may_wait) {
    part.read(entry.offset(), record);
  } else if (!part.try_read(entry.offset(), record)) {
    return false;
  }
  pack::FieldPlaces places;
  check(index, record, places);
  for (std::size_t i = 0; i < info_.fields.size(); ++i) {
    const DatasetField& field = info_.fields[i];
    const pack::FieldPlace& place = places[i];
    RecordValue& value = into.values[i];
    if (i == label_) {
      value.set_scalar(mapped(entry.label));
    } else if (field.kind == FieldKind::pixels) {
      const ImageShape shape{place.header.height, place.header.width, place.header.channels};
      const std::size_t row = place.header.bytes / place.header.height;
      value.pixels = {record.data() + place.offset, shape, row, field.type};
    } else {
      value.bytes = record.subspan(place.offset, place.header.bytes);
      value.hint = record.subspan(place.hint_offset, place.header.hint_bytes);
    }
  }
  return true;
}

std::string PackDataset::key(std::int64_t index) const {
  const Entry& entry = this->entry(index);
  const std::string number = info_.name + ": record " + std::to_string(index);
  std::vector<std::byte> bytes(
      std::min<std::size_t>(entry.bytes, sizeof(pack::RecordHeader) + pack::most_key_bytes));
  try {
    file_.part(entry).read(entry.offset(), bytes);
  } catch (const Error&) {
    return number;
  }
  const auto header = pack::load<pack::RecordHeader>(bytes, 0);
  if (header.key_bytes > bytes.size() - sizeof header) return number;
  const std::string_view key(reinterpret_cast<const char*>(bytes.data()) + sizeof header,
                             header.key_bytes);
  if (!pack::is_sound(header, key, file_.number()) || key.empty()) return number;
  return number + ": " + std::string(key);
}

std::uint64_t PackDataset::fingerprint() const {
  const pack::Footer& footer = file_.footer();
  Fingerprint hash;
  if (!classes_.empty()) {
    for (const std::string& name : info_.classes) hash.add(name);
  } else if (footer.as_they_were == 1) {
    return footer.source_fingerprint;
  }
  return hash.add(footer.pack).add(footer.table_check).value();
}

}  // namespace

bool is_pack(const std::filesystem::path& path) {
  try {
    const RangeReader file(path);
    std::array<std::byte, pack::magic.size()> begin{};
    if (file.size() < begin.size()) return false;
    file.read(0, begin);
    return std::equal(begin.begin(), begin.end(), std::as_bytes(std::span(pack::magic)).begin());
  } catch (const Error&) {
    return false;
  }
}

std::shared_ptr<const Dataset> open_pack(const std::filesystem::path& path,
                                         const DataOptions& options) {
  return std::make_shared<PackDataset>(path, options);
}

}  // namespace headrace
