#include "headrace/formats/image_files.h"

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
    info_.fields.push_back({"label", FieldKind::class_label, ElementType::i32, {}});
    info_.classes = std::move(table_.classes);
  }
}

void ImageFiles::read(std::int64_t index, Record& into) const {
  const ImageFileRow& row = this->row(index);
  into.values.resize(info_.fields.size());
  RecordValue& image = into.values[0];
  image.bytes = reader_.read(table_.c_path(row), image.buffer);
  if (table_.labelled) into.values[1].set_scalar(row.label);
}

bool ImageFiles::try_read(std::int64_t index, Record& into) const {
  const ImageFileRow& row = this->row(index);
  into.values.resize(info_.fields.size());
  RecordValue& image = into.values[0];
  const auto bytes = reader_.try_read(table_.c_path(row), image.buffer);
  if (!bytes) return false;
  image.bytes = *bytes;
  if (table_.labelled) into.values[1].set_scalar(row.label);
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
    fingerprint_ = hash.value();
  });
  return fingerprint_;
}

std::size_t ImageFiles::memory_bytes() const {
  return table_.text.capacity() + table_.rows.capacity() * sizeof(ImageFileRow);
}

}  // namespace headrace
