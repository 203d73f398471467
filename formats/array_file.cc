#include "headrace/formats/array_file.h"

#include <algorithm>
#include <span>
#include <utility>

#include "headrace/pipeline/fingerprint.h"

namespace headrace {

ArrayFile::ArrayFile(ImagesInFile images) : images_(std::move(images)) {
  const ImageShape& shape = images_.shape;
  image_bytes_ = shape.elements() * size_of(images_.type);
  target_count_ = images_.targets.size() / static_cast<std::size_t>(images_.count);
  info_.name = images_.name;
  info_.classes = images_.classes;
  info_.fields.push_back(
      {"image", FieldKind::pixels, images_.type, {shape.height, shape.width, shape.channels}});
  if (!images_.labels.empty()) {
    info_.fields.push_back({"label", FieldKind::class_label, ElementType::i32, {}});
  } else if (target_count_ != 0) {
    info_.fields.push_back(
        {"label", FieldKind::values, ElementType::f32, {static_cast<std::int64_t>(target_count_)}});
  }
}

std::span<const float> ArrayFile::targets_of(std::int64_t index) const {
  return std::span(images_.targets)
      .subspan(static_cast<std::size_t>(index) * target_count_, target_count_);
}

// Memory for the pixels; the rest of the record is then whole.
std::span<std::byte> ArrayFile::prepare(std::int64_t index, Record& into) const {
  into.values.resize(info_.fields.size());
  RecordValue& image = into.values[0];
  if (image.buffer.size() < image_bytes_) image.buffer.resize(image_bytes_);
  image.pixels = {image.buffer.data(), images_.shape,
                  image_bytes_ / static_cast<std::size_t>(images_.shape.height), images_.type};
  if (!images_.labels.empty()) {
    into.values[1].bytes =
        std::as_bytes(std::span(images_.labels).subspan(static_cast<std::size_t>(index), 1));
  } else if (target_count_ != 0) {
    into.values[1].bytes = std::as_bytes(targets_of(index));
  }
  return std::span(image.buffer).first(image_bytes_);
}

void ArrayFile::read(std::int64_t index, Record& into) const {
  images_.file->read(place_of(index), prepare(index, into));
}

bool ArrayFile::try_read(std::int64_t index, Record& into) const {
  return images_.file->try_read(place_of(index), prepare(index, into));
}

std::size_t ArrayFile::will_need(std::int64_t index) const {
  return images_.file->will_need(place_of(index), image_bytes_);
}

std::int64_t ArrayFile::label(std::int64_t index) const {
  if (!images_.labels.empty()) return images_.labels[static_cast<std::size_t>(index)];
  if (target_count_ == 0) return -1;
  const auto row = targets_of(index);
  return std::max_element(row.begin(), row.end()) - row.begin();
}

std::string ArrayFile::key(std::int64_t index) const {
  return info_.name + ": record " + std::to_string(index);
}

std::uint64_t ArrayFile::fingerprint() const {
  Fingerprint hash;
  for (const std::string& name : info_.classes) hash.add(name);
  return hash.add(images_.shape.height)
      .add(images_.shape.width)
      .add(images_.shape.channels)
      .add(images_.type)
      .add(images_.count)
      .add(std::as_bytes(std::span(images_.labels)))
      .add(std::as_bytes(std::span(images_.targets)))
      .value();
}

}  // namespace headrace
