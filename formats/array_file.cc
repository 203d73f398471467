#include "headrace/formats/array_file.h"

#include <span>
#include <utility>

#include "headrace/formats/file_reader.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {

ArrayFile::ArrayFile(ImagesInFile images) : images_(std::move(images)) {
  const ImageShape& shape = images_.shape;
  image_bytes_ = shape.elements() * size_of(images_.type);
  info_.name = images_.name;
  info_.fields.push_back(
      {"image", FieldKind::pixels, images_.type, {shape.height, shape.width, shape.channels}});
  images_.labels.describe(info_);
}

// Memory for the pixels; the rest of the record is then whole.
std::span<std::byte> ArrayFile::prepare(std::int64_t index, Record& into) const {
  into.values.resize(info_.fields.size());
  RecordValue& image = into.values[0];
  if (image.buffer.size() < image_bytes_) image.buffer.resize(image_bytes_);
  image.pixels = {image.buffer.data(), images_.shape,
                  image_bytes_ / static_cast<std::size_t>(images_.shape.height), images_.type};
  images_.labels.put(index, into);
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

std::int64_t ArrayFile::label(std::int64_t index) const { return images_.labels.label(index); }

std::string ArrayFile::key(std::int64_t index) const {
  return info_.name + ": record " + std::to_string(index);
}

std::uint64_t ArrayFile::fingerprint() const {
  Fingerprint hash;
  hash.add(images_.shape.height)
      .add(images_.shape.width)
      .add(images_.shape.channels)
      .add(images_.type)
      .add(images_.count);
  images_.labels.add_to(hash);
  return hash.value();
}

std::optional<std::uint64_t> ArrayFile::content_fingerprint() const {
  const auto stamp = FileReader().stamp(images_.file->path().c_str());
  return Fingerprint().add(fingerprint()).add(stamp).value();
}

}  // namespace headrace
