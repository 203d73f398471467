#include "headrace/formats/image_files.h"

#include <algorithm>
#include <cstring>
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

// All values of a record but its image.
void ImageFiles::fill_labels(std::int64_t index, Record& into) const {
  const auto i = static_cast<std::size_t>(index);
  if (!table_.weights.empty()) into.values.back().set_scalar(table_.weights[i]);
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

void ImageFiles::read(std::int64_t index, Record& into) const {
  const ImageFileRow& row = this->row(index);
  into.values.resize(info_.fields.size());
  RecordValue& image = into.values[0];
  image.bytes = reader_.read(table_.c_path(row), image.buffer);
  fill_labels(index, into);
}

bool ImageFiles::try_read(std::int64_t index, Record& into) const {
  const ImageFileRow& row = this->row(index);
  into.values.resize(info_.fields.size());
  RecordValue& image = into.values[0];
  const auto bytes = reader_.try_read(table_.c_path(row), image.buffer);
  if (!bytes) return false;
  image.bytes = *bytes;
  fill_labels(index, into);
  return true;
}

std::size_t ImageFiles::will_need(std::int64_t index) const {
  return reader_.will_need(table_.c_path(row(index)));
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
    fingerprint_ = hash.value();
  });
  return fingerprint_;
}

std::size_t ImageFiles::memory_bytes() const {
  return table_.text.capacity() + table_.rows.capacity() * sizeof(ImageFileRow) +
         (table_.values.capacity() + table_.weights.capacity()) * sizeof(float) +
         table_.tags.capacity() * sizeof(std::int32_t) +
         table_.tag_ends.capacity() * sizeof(std::uint64_t);
}

}  // namespace headrace
