#include "headrace/formats/hdf5.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/formats/array_file.h"
#include "headrace/formats/file_reader.h"
#include "headrace/formats/hdf5_file.h"
#include "headrace/formats/hdf5_heap.h"
#include "headrace/formats/named_arrays.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using hdf5::Array;
using hdf5::Element;

constexpr double most_image_bytes = 1 << 30;

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::unsupported, what);
}

const Array* find(const hdf5::File& file, std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto& arrays = file.arrays();
  const auto found = std::find_if(arrays.begin(), arrays.end(),
                                  [&](const Array& array) { return array.path == path; });
  return found == arrays.end() ? nullptr : &*found;
}

const Array& require(const hdf5::File& file, const std::string& path, const std::string& name) {
  if (const Array* array = find(file, name)) return *array;
  std::string known;
  for (const Array& other : file.arrays()) known += " " + other.path;
  throw Error(ErrorCode::invalid_argument,
              path + ": there is no array '" + name + "'; there are:" + known);
}

ElementType pixel_type_of(const Array& array, const std::string& name) {
  if (array.is_native && array.element == Element::reals) return ElementType::f32;
  if (array.is_native && array.element == Element::integers && !array.is_signed) {
    return ElementType::u8;
  }
  unsupported(name + ": pixels are uint8 or float32 of this machine, and files of images arrays " +
              "of uint8 of variable length; these are " +
              (array.element == Element::other
                   ? array.type
                   : "numbers of " + std::to_string(array.element_bytes) + " bytes"));
}

// A file may claim any extents for what it has no values of.
ImageShape checked_shape(const Array& array, const std::string& name) {
  const ImageShape shape = image_shape_of(name, array.shape);
  const double bytes = static_cast<double>(shape.height) * shape.width * shape.channels *
                       static_cast<double>(array.element_bytes);
  if (bytes > most_image_bytes) {
    throw Error(ErrorCode::corrupt_data, name + ": an image has more than 1 GiB");
  }
  return shape;
}

ArrayLabels labels_of(const hdf5::File& file, const Array& array, const std::string& name,
                      std::int64_t images, const std::vector<std::string>& expected) {
  const bool each = is_label_each(name, array.shape, images);
  switch (array.element) {
    case Element::texts:
      if (each) return labels_of_texts(name, file.texts(array), expected);
      unsupported(name + ": there are several texts for an image");
    case Element::integers:
      if (each) return labels_of_numbers(name, file.integers(array), expected);
      [[fallthrough]];
    case Element::reals: return labels_of_values(file.reals(array), images);
    default: unsupported(name + ": labels are numbers or texts, and not " + array.type);
  }
}

// What all images that do not simply lie in a file have in common.
class Hdf5Images : public Dataset {
 public:
  std::int64_t size() const override { return images_.shape[0]; }
  const DatasetInfo& info() const override { return info_; }
  bool try_read(std::int64_t, Record&) const override { return false; }
  std::int64_t label(std::int64_t index) const override { return labels_.label(index); }
  std::string key(std::int64_t index) const override {
    return info_.name + ": record " + std::to_string(index);
  }
  std::uint64_t fingerprint() const override {
    Fingerprint hash;
    hash.add(images_.path).add(info_.fields[0].type);
    for (const std::int64_t extent : images_.shape) hash.add(extent);
    labels_.add_to(hash);
    return hash.value();
  }
  std::optional<std::uint64_t> content_fingerprint() const override {
    if (images_.is_elsewhere) return std::nullopt;
    const auto stamp = FileReader().stamp(info_.name.c_str());
    return Fingerprint().add(fingerprint()).add(stamp).value();
  }

 protected:
  Hdf5Images(std::string path, const DatasetField& field, Array images, ArrayLabels labels)
      : images_(std::move(images)), labels_(std::move(labels)) {
    info_.name = std::move(path);
    info_.fields.push_back(field);
    labels_.describe(info_);
  }
  const Array& images() const { return images_; }
  // The record's image, to be filled; the rest of it is whole.
  RecordValue& begin(std::int64_t index, Record& into) const {
    into.values.resize(info_.fields.size());
    labels_.put(index, into);
    return into.values[0];
  }

 private:
  Array images_;
  ArrayLabels labels_;
  DatasetInfo info_;
};

const DatasetField encoded_field{"image", FieldKind::encoded_image, ElementType::u8, {}};

// Files of images whose references and heaps lie in the file as they are.
class HeapImages final : public Hdf5Images {
 public:
  HeapImages(std::unique_ptr<const ArchiveFile> file, hdf5::Place place, const Array& images,
             ArrayLabels labels)
      : Hdf5Images(file->path().string(), encoded_field, images, std::move(labels)),
        file_(std::move(file)),
        place_(std::move(place)) {}

  void read(std::int64_t index, Record& into) const override {
    RecordValue& image = begin(index, into);
    std::array<std::byte, HeapReference::bytes> reference;
    file_->read(place_.offsets[static_cast<std::size_t>(index / place_.rows)] +
                    static_cast<std::uint64_t>(index % place_.rows) * reference.size(),
                reference);
    const std::size_t size =
        read_heap_value(*file_, info().name, HeapReference::parse(reference), image.buffer);
    image.bytes = {image.buffer.data(), size};
  }

 private:
  std::unique_ptr<const ArchiveFile> file_;
  hdf5::Place place_;  // of the references
};

// Images that the library has to read, one at a time.
class LibraryFiles final : public Hdf5Images {
 public:
  LibraryFiles(const std::string& path, std::unique_ptr<const hdf5::File> file, const Array& images,
               ArrayLabels labels)
      : Hdf5Images(path, encoded_field, images, std::move(labels)), file_(std::move(file)) {}

  void read(std::int64_t index, Record& into) const override {
    RecordValue& image = begin(index, into);
    const std::size_t size =
        reading_hdf5(info().name, [&] { return file_->read_bytes(images(), index, image.buffer); });
    image.bytes = {image.buffer.data(), size};
  }

 private:
  std::unique_ptr<const hdf5::File> file_;
};

class LibraryPixels final : public Hdf5Images {
 public:
  LibraryPixels(const std::string& path, std::unique_ptr<const hdf5::File> file,
                const Array& images, const ImageShape& shape, ElementType type, ArrayLabels labels)
      : Hdf5Images(path,
                   {"image", FieldKind::pixels, type, {shape.height, shape.width, shape.channels}},
                   images, std::move(labels)),
        file_(std::move(file)),
        shape_(shape),
        type_(type) {}

  void read(std::int64_t index, Record& into) const override {
    RecordValue& image = begin(index, into);
    const std::size_t bytes = shape_.elements() * size_of(type_);
    if (image.buffer.size() < bytes) image.buffer.resize(bytes);
    reading_hdf5(info().name,
                 [&] { file_->read_row(images(), index, std::span(image.buffer).first(bytes)); });
    image.pixels = {image.buffer.data(), shape_, bytes / static_cast<std::size_t>(shape_.height),
                    type_};
  }

 private:
  std::unique_ptr<const hdf5::File> file_;
  ImageShape shape_;
  ElementType type_;
};

// Whether all images are where the library says.
bool lies_within(const hdf5::Place& place, std::int64_t images, std::uint64_t image_bytes,
                 std::uint64_t file_bytes) {
  if (place.rows < 1) return false;
  for (const std::uint64_t offset : place.offsets) {
    const std::int64_t rows = std::min(place.rows, images);
    if (offset > file_bytes) return false;
    if (static_cast<std::uint64_t>(rows) > (file_bytes - offset) / image_bytes) return false;
    images -= rows;
  }
  return images == 0;
}

}  // namespace

std::shared_ptr<const Dataset> open_hdf5(std::string_view location, const DataOptions& options) {
  const std::size_t hash = std::min(location.rfind('#'), location.size());
  const std::string path(location.substr(0, hash));
  auto bytes = std::make_unique<const ArchiveFile>(path, true);  // says what cannot be opened
  auto file = open_hdf5_file(path);
  const ArrayNames names =
      choose_arrays(path, hash == location.size() ? std::string_view() : location.substr(hash + 1),
                    [&](const std::string& name) { return find(*file, name) != nullptr; });
  const Array& images = require(*file, path, names.images);
  const std::string name = path + ": " + images.path;
  if (images.shape.empty() || images.shape[0] < 1) {
    throw Error(ErrorCode::corrupt_data, name + ": there are no images");
  }
  if (images.element == Element::bytes && images.shape.size() != 1) {
    unsupported(name + " of shape " + shape_text(images.shape) +
                ": files of images are an array of shape (n)");
  }
  ArrayLabels labels;
  if (!names.labels.empty()) {
    const Array& array = require(*file, path, names.labels);
    labels = reading_hdf5(path, [&] {
      return labels_of(*file, array, path + ": " + array.path, images.shape[0], options.classes);
    });
  }
  hdf5::Place place = reading_hdf5(path, [&] { return file->place_of(images); });
  if (images.element == Element::bytes) {
    if (lies_within(place, images.shape[0], HeapReference::bytes, bytes->size())) {
      return std::make_shared<HeapImages>(std::move(bytes), std::move(place), images,
                                          std::move(labels));
    }
    return std::make_shared<LibraryFiles>(path, std::move(file), images, std::move(labels));
  }
  const ImageShape shape = checked_shape(images, name);
  const ElementType type = pixel_type_of(images, name);
  if (lies_within(place, images.shape[0], shape.elements() * size_of(type), bytes->size())) {
    return std::make_shared<ArrayFile>(ImagesInFile{std::move(bytes), std::move(place.offsets),
                                                    place.rows, shape, type, images.shape[0],
                                                    std::move(labels), path});
  }
  return std::make_shared<LibraryPixels>(path, std::move(file), images, shape, type,
                                         std::move(labels));
}

}  // namespace headrace
