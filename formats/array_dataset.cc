#include "headrace/formats/array_dataset.h"

#include <algorithm>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

[[noreturn]] void refuse(const ImageArrays& arrays, const std::string& why) {
  throw Error(ErrorCode::invalid_argument, arrays.name + ": " + why);
}

std::size_t image_count(const ImageArrays& arrays) {
  const ImageShape& shape = arrays.shape;
  if (shape.height <= 0 || shape.width <= 0 || shape.channels <= 0) {
    refuse(arrays, "height, width and channels of an image must be positive");
  }
  if (!arrays.u8_pixels.empty() && !arrays.f32_pixels.empty()) {
    refuse(arrays, "give pixels as u8 or as f32, not both");
  }
  const std::size_t values = std::max(arrays.u8_pixels.size(), arrays.f32_pixels.size());
  if (values == 0) refuse(arrays, "there are no images");
  if (values % shape.elements() != 0) {
    refuse(arrays, std::to_string(values) + " values are not a whole number of images of " +
                       std::to_string(shape.elements()));
  }
  return values / shape.elements();
}

void check_labels(const ImageArrays& arrays, std::size_t images) {
  if (arrays.labels.empty()) return;
  if (arrays.labels.size() != images) {
    refuse(arrays, std::to_string(images) + " images have " + std::to_string(arrays.labels.size()) +
                       " labels");
  }
  const std::size_t classes = arrays.classes.size();
  for (std::size_t i = 0; i < images; ++i) {
    const std::int32_t label = arrays.labels[i];
    if (label < 0 || (classes > 0 && static_cast<std::size_t>(label) >= classes)) {
      refuse(arrays, "record " + std::to_string(i) + " has label " + std::to_string(label) +
                         (classes > 0 ? "; classes are 0 .. " + std::to_string(classes - 1)
                                      : "; class indices count from 0"));
    }
  }
}

// The number of targets of one image.
std::size_t check_targets(const ImageArrays& arrays, std::size_t images) {
  if (arrays.targets.empty()) return 0;
  if (!arrays.labels.empty()) refuse(arrays, "give labels or targets, not both");
  const std::size_t width = arrays.targets.size() / images;
  if (width * images != arrays.targets.size()) {
    refuse(arrays, std::to_string(arrays.targets.size()) + " targets cannot be shared out among " +
                       std::to_string(images) + " images");
  }
  if (!arrays.classes.empty() && arrays.classes.size() != width) {
    refuse(arrays, "images have " + std::to_string(width) + " targets each for " +
                       std::to_string(arrays.classes.size()) + " classes");
  }
  return width;
}

}  // namespace

ArrayDataset::ArrayDataset(ImageArrays arrays) : arrays_(std::move(arrays)) {
  const std::size_t images = image_count(arrays_);
  check_labels(arrays_, images);
  target_count_ = check_targets(arrays_, images);
  size_ = static_cast<std::int64_t>(images);

  const ImageShape& shape = arrays_.shape;
  info_.name = arrays_.name;
  info_.classes = arrays_.classes;
  info_.fields.push_back({"image",
                          FieldKind::pixels,
                          arrays_.f32_pixels.empty() ? ElementType::u8 : ElementType::f32,
                          {shape.height, shape.width, shape.channels}});
  if (!arrays_.labels.empty()) {
    info_.fields.push_back({"label", FieldKind::class_label, ElementType::i32, {}});
  } else if (target_count_ > 0) {
    info_.fields.push_back(
        {"label", FieldKind::values, ElementType::f32, {static_cast<std::int64_t>(target_count_)}});
  }
  add_beside();
}

void ArrayDataset::add_beside() {
  const ImageShape& shape = arrays_.shape;
  const ImageSize mask = arrays_.mask_size == ImageSize{} ? shape.size() : arrays_.mask_size;
  add_pixels("mask", FieldTarget::mask, std::as_bytes(arrays_.masks), {mask.height, mask.width, 1},
             ElementType::u8);
  add_numbers("boxes", FieldTarget::boxes, std::as_bytes(arrays_.boxes), sizeof(Box));
  add_numbers("points", FieldTarget::points, std::as_bytes(arrays_.points), sizeof(KeyPoint));
  const bool levels = arrays_.f32_pixels.empty();
  if (levels ? !arrays_.f32_seconds.empty() : !arrays_.u8_seconds.empty()) {
    refuse(arrays_, "second images must be of the same type as the images: u8 or f32");
  }
  add_pixels("image2", FieldTarget::pair,
             levels ? std::as_bytes(arrays_.u8_seconds) : std::as_bytes(arrays_.f32_seconds),
             arrays_.second_shape == ImageShape{} ? shape : arrays_.second_shape,
             levels ? ElementType::u8 : ElementType::f32);
}

void ArrayDataset::add_pixels(const char* name, FieldTarget target,
                              std::span<const std::byte> bytes, const ImageShape& shape,
                              ElementType type) {
  if (bytes.empty()) return;
  if (shape.height <= 0 || shape.width <= 0 || shape.channels <= 0) {
    refuse(arrays_, std::string("the size of \"") + name + "\" must be positive");
  }
  const std::size_t record_bytes = shape.elements() * size_of(type);
  if (bytes.size() != record_bytes * static_cast<std::size_t>(size_)) {
    refuse(arrays_, std::string("\"") + name + "\" holds " +
                        std::to_string(bytes.size() / size_of(type)) + " values where " +
                        std::to_string(size_) + " images need " + std::to_string(shape.elements()) +
                        " each");
  }
  info_.fields.push_back(
      {name, FieldKind::pixels, type, {shape.height, shape.width, shape.channels}, target});
  beside_.push_back({bytes, record_bytes, shape, type});
}

// Of f32 values, of which `each` bytes belong together.
void ArrayDataset::add_numbers(const char* name, FieldTarget target,
                               std::span<const std::byte> bytes, std::size_t each) {
  if (bytes.empty()) return;
  const std::size_t record_bytes = bytes.size() / static_cast<std::size_t>(size_);
  if (record_bytes * static_cast<std::size_t>(size_) != bytes.size() || record_bytes % each != 0) {
    refuse(arrays_, std::to_string(bytes.size() / each) + " " + name +
                        " cannot be shared out among " + std::to_string(size_) +
                        " images: give all of them as many as one has, the rest without content");
  }
  info_.fields.push_back({name,
                          FieldKind::values,
                          ElementType::f32,
                          {static_cast<std::int64_t>(record_bytes / each),
                           static_cast<std::int64_t>(each / sizeof(float))},
                          target});
  beside_.push_back({bytes, record_bytes, {}, ElementType::f32});
}

void ArrayDataset::read(std::int64_t index, Record& into) const {
  const auto i = static_cast<std::size_t>(index);
  const DatasetField& field = info_.fields[0];
  const auto pixels = field.type == ElementType::u8 ? std::as_bytes(arrays_.u8_pixels)
                                                    : std::as_bytes(arrays_.f32_pixels);
  const std::size_t element = size_of(field.type);
  into.values.resize(info_.fields.size());
  into.values[0].pixels = {
      pixels.data() + i * arrays_.shape.elements() * element, arrays_.shape,
      arrays_.shape.elements() / static_cast<std::size_t>(arrays_.shape.height) * element,
      field.type};
  if (!arrays_.labels.empty()) {
    into.values[1].bytes = std::as_bytes(arrays_.labels.subspan(i, 1));
  } else if (target_count_ > 0) {
    into.values[1].bytes = std::as_bytes(arrays_.targets.subspan(i * target_count_, target_count_));
  }
  std::size_t at = info_.fields.size() - beside_.size();
  for (const Beside& beside : beside_) {
    const auto bytes = beside.bytes.subspan(i * beside.record_bytes, beside.record_bytes);
    RecordValue& value = into.values[at++];
    if (beside.shape == ImageShape{}) {
      value.bytes = bytes;
    } else {
      value.pixels = {bytes.data(), beside.shape,
                      beside.record_bytes / static_cast<std::size_t>(beside.shape.height),
                      beside.type};
    }
  }
}

std::int64_t ArrayDataset::label(std::int64_t index) const {
  const auto i = static_cast<std::size_t>(index);
  if (!arrays_.labels.empty()) return arrays_.labels[i];
  if (target_count_ == 0) return -1;
  const auto row = arrays_.targets.subspan(i * target_count_, target_count_);
  return std::max_element(row.begin(), row.end()) - row.begin();
}

std::string ArrayDataset::key(std::int64_t index) const {
  return info_.name + ": record " + std::to_string(index);
}

std::uint64_t ArrayDataset::fingerprint() const {
  std::call_once(fingerprint_once_, [this] {
    const ImageShape& shape = arrays_.shape;
    Fingerprint hash;
    hash.add(shape.height).add(shape.width).add(shape.channels);
    for (const std::string& name : info_.classes) hash.add(name);
    for (const Beside& beside : beside_) hash.add(beside.record_bytes).add(beside.bytes);
    fingerprint_ = hash.add(std::as_bytes(arrays_.u8_pixels))
                       .add(std::as_bytes(arrays_.f32_pixels))
                       .add(std::as_bytes(arrays_.labels))
                       .add(std::as_bytes(arrays_.targets))
                       .value();
  });
  return fingerprint_;
}

}  // namespace headrace
