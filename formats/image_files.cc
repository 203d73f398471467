#include "headrace/formats/image_files.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

// Gives back what a vector has too much, if that is worth the copy: to make room for one, a long
// list would take twice its memory for a moment.
template <class T>
void trim(std::vector<T>& values) {
  if (values.capacity() - values.size() > values.size() / 16) values.shrink_to_fit();
}

}  // namespace

ImageFiles::ImageFiles(std::string name, const std::filesystem::path& root, ImageFileTable table)
    : reader_(root), table_(std::move(table)) {
  trim(table_.text);
  trim(table_.rows);
  info_.name = std::move(name);
  info_.fields.push_back({"image", FieldKind::encoded_image, ElementType::u8, {}});
  if (table_.labelled) {
    info_.classes = std::move(table_.classes);
    const std::size_t numbers = !table_.tag_ends.empty() ? info_.classes.size()
                                : table_.values.empty()  ? 0
                                                        : table_.values.size() / table_.rows.size();
    if (numbers == 0) {
      info_.fields.push_back({"label", FieldKind::class_label, ElementType::i32, {}});
    } else {
      info_.fields.push_back(
          {"label", FieldKind::values, ElementType::f32, {static_cast<std::int64_t>(numbers)}});
    }
  }
  if (!table_.weights.empty()) {
    info_.fields.push_back({"weight", FieldKind::values, ElementType::f32, {}});
  }
  for (const ListColumn& column : table_.columns) info_.fields.push_back(column.field());
}

std::span<const std::int32_t> ImageFiles::tags_of(std::int64_t index) const {
  const auto i = static_cast<std::size_t>(index);
  const std::uint64_t begin = i == 0 ? 0 : table_.tag_ends[i - 1];
  return std::span(table_.tags).subspan(begin, table_.tag_ends[i] - begin);
}

std::int64_t ImageFiles::label(std::int64_t index) const {
  if (table_.tag_ends.empty()) return row(index).label;
  const auto tags = tags_of(index);
  return tags.empty() ? -1 : tags[0];
}

// The label and the weight of a record.
void ImageFiles::fill_labels(std::int64_t index, Record& into) const {
  const auto i = static_cast<std::size_t>(index);
  if (!table_.weights.empty()) into.values[table_.labelled ? 2 : 1].set_scalar(table_.weights[i]);
  if (!table_.labelled) return;
  RecordValue& label = into.values[1];
  if (!table_.tag_ends.empty()) {
    const std::size_t bytes = info_.classes.size() * sizeof(float);
    if (label.buffer.size() < bytes) label.buffer.resize(bytes);
    std::fill_n(label.buffer.begin(), bytes, std::byte{0});
    constexpr float one = 1;
    for (const std::int32_t tag : tags_of(index)) {
      std::memcpy(label.buffer.data() + static_cast<std::size_t>(tag) * sizeof one, &one,
                  sizeof one);
    }
    label.bytes = std::span<const std::byte>(label.buffer).first(bytes);
  } else if (!table_.values.empty()) {
    const std::size_t width = table_.values.size() / table_.rows.size();
    label.bytes = std::as_bytes(std::span(table_.values).subspan(i * width, width));
  } else {
    label.set_scalar(row(index).label);
  }
}

// `read(path, buffer)` gives the bytes of a file, or nothing: then so does this.
template <class Read>
bool ImageFiles::read_by(const Read& read, std::int64_t index, Record& into) const {
  into.values.resize(info_.fields.size());
  const auto read_file = [&](const char* path, RecordValue& value) {
    const std::optional<std::span<const std::byte>> bytes = read(path, value.buffer);
    if (bytes) value.bytes = *bytes;
    return bytes.has_value();
  };
  if (!read_file(table_.c_path(row(index)), into.values[0])) return false;
  fill_labels(index, into);
  std::size_t field = info_.fields.size() - table_.columns.size();
  const auto number = static_cast<std::size_t>(index);
  for (const ListColumn& column : table_.columns) {
    RecordValue& value = into.values[field++];
    if (!column.is_file()) {
      column.read(number, value);
    } else if (!read_file(table_.c_path(column, number), value)) {
      return false;
    }
  }
  return true;
}

void ImageFiles::read(std::int64_t index, Record& into) const {
  read_by([this](const char* path, auto& buffer) { return reader_.read(path, buffer); }, index,
          into);
}

bool ImageFiles::try_read(std::int64_t index, Record& into) const {
  return read_by([this](const char* path, auto& buffer) { return reader_.try_read(path, buffer); },
                 index, into);
}

std::size_t ImageFiles::will_need(std::int64_t index) const {
  std::size_t bytes = reader_.will_need(table_.c_path(row(index)));
  for (const ListColumn& column : table_.columns) {
    if (!column.is_file()) continue;
    bytes += reader_.will_need(table_.c_path(column, static_cast<std::size_t>(index)));
  }
  return bytes;
}

std::string ImageFiles::key(std::int64_t index) const {
  const ImageFileRow& row = this->row(index);
  const std::string_view path = table_.path(row);
  if (row.line == 0) return (reader_.folder() / path).string();
  return info_.name + ":" + std::to_string(row.line) + ": " + std::string(path);
}

std::uint64_t ImageFiles::fingerprint() const {
  // The names alone: a data set that was moved as a whole is still the same.
  std::call_once(fingerprint_once_, [this] {
    Fingerprint hash;
    for (const std::string& name : info_.classes) hash.add(name);
    for (const ImageFileRow& row : table_.rows) hash.add(table_.path(row)).add(row.label);
    hash.add(std::as_bytes(std::span(table_.values)))
        .add(std::as_bytes(std::span(table_.tags)))
        .add(std::as_bytes(std::span(table_.tag_ends)))
        .add(std::as_bytes(std::span(table_.weights)));
    for (const ListColumn& column : table_.columns) {
      hash.add(column.fingerprint());
      for (std::size_t i = 0; column.is_file() && i < table_.rows.size(); ++i) {
        hash.add(std::string_view(table_.c_path(column, i)));
      }
    }
    fingerprint_ = hash.value();
  });
  return fingerprint_;
}

std::optional<std::uint64_t> ImageFiles::content_fingerprint() const {
  Fingerprint hash;
  hash.add(fingerprint());
  for (const ImageFileRow& row : table_.rows) hash.add(reader_.stamp(table_.c_path(row)));
  return hash.value();
}

std::size_t ImageFiles::memory_bytes() const {
  return table_.text.capacity() + table_.rows.capacity() * sizeof(ImageFileRow) +
         (table_.values.capacity() + table_.weights.capacity()) * sizeof(float) +
         table_.tags.capacity() * sizeof(std::int32_t) +
         table_.tag_ends.capacity() * sizeof(std::uint64_t);
}

}  // namespace headrace
