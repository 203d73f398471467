#include "headrace/formats/numpy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "headrace/formats/array_dataset.h"
#include "headrace/formats/array_file.h"
#include "headrace/formats/named_arrays.h"
#include "headrace/formats/npy.h"
#include "headrace/formats/numpy_arrays.h"
#include "headrace/formats/zip_archive.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::unsupported, what);
}

// An array: its head, and its values in memory or where they lie.
struct Array {
  std::string name;  // for messages: "mnist.npz: x_train"
  NpyHeader header;
  std::vector<std::byte> bytes;  // with the head; empty: in `file`
  std::unique_ptr<const ArchiveFile> file;
  std::uint64_t offset = 0;  // of the values in `file`

  std::size_t items() const { return static_cast<std::size_t>(header.items()); }
  const std::byte* values() const { return bytes.data() + header.data_offset; }
};

// Takes an array that lies in a file as it is; reads it if it is small enough.
Array take_plain(std::unique_ptr<const ArchiveFile> file, std::string name, std::uint64_t begin,
                 std::uint64_t size, std::uint64_t resident_bytes) {
  Array array;
  array.name = std::move(name);
  std::vector<std::byte> head(
      static_cast<std::size_t>(std::min<std::uint64_t>(size, most_npy_head_bytes)));
  file->read(begin, head);
  array.header = parse_npy_header(head, size, array.name);
  if (size <= resident_bytes) {
    array.bytes.resize(static_cast<std::size_t>(size));
    file->read(begin, array.bytes);
  } else {
    array.offset = begin + array.header.data_offset;
    array.file = std::move(file);
  }
  return array;
}

Array open_npy(const fs::path& path, std::uint64_t resident_bytes) {
  auto file = std::make_unique<const ArchiveFile>(path, true);
  const std::uint64_t size = file->size();
  return take_plain(std::move(file), path.string(), 0, size, resident_bytes);
}

// Values of any type as T, rounded as C++ does.
template <class T, class From>
std::vector<T> converted(const Array& array) {
  std::vector<T> values(array.items());
  const std::byte* at = array.values();
  for (T& value : values) {
    From from{};
    std::memcpy(&from, at, sizeof from);
    value = static_cast<T>(from);
    at += sizeof from;
  }
  return values;
}

template <class T>
std::vector<T> values_of(const Array& array) {
  const std::size_t bytes = array.header.item_bytes;
  if (array.header.kind == 'f') {
    return bytes == 4 ? converted<T, float>(array) : converted<T, double>(array);
  }
  if (array.header.kind == 'i') {
    return bytes == 1   ? converted<T, std::int8_t>(array)
           : bytes == 2 ? converted<T, std::int16_t>(array)
           : bytes == 4 ? converted<T, std::int32_t>(array)
                        : converted<T, std::int64_t>(array);
  }
  return bytes == 1   ? converted<T, std::uint8_t>(array)
         : bytes == 2 ? converted<T, std::uint16_t>(array)
         : bytes == 4 ? converted<T, std::uint32_t>(array)
                      : converted<T, std::uint64_t>(array);
}

ElementType pixel_type_of(const Array& array) {
  const NpyHeader& header = array.header;
  if (header.kind == 'u' && header.item_bytes == 1) return ElementType::u8;
  if (header.kind == 'f' && header.item_bytes == 4) return ElementType::f32;
  if (header.kind == 'f' && !array.file) return ElementType::f32;  // is converted
  unsupported(array.name + ": pixels are uint8 or float32: save it.astype(numpy." +
              (header.kind == 'f' ? "float32)" : "uint8)"));
}

ArrayLabels labels_of(const Array& array, std::int64_t images,
                      const std::vector<std::string>& expected) {
  const bool each = is_label_each(array.name, array.header.shape, images);
  if (array.header.kind == 'f' || !each) {
    return labels_of_values(values_of<float>(array), images);
  }
  return labels_of_numbers(array.name, values_of<std::int64_t>(array), expected);
}

// What a data set of arrays in memory keeps alive.
struct Owned {
  std::vector<std::byte> bytes;
  std::vector<float> converted;
  ArrayLabels labels;
};

std::shared_ptr<const Dataset> make_dataset(const std::string& name, Array images,
                                            std::optional<Array> label_array,
                                            const DataOptions& options) {
  const ImageShape shape = image_shape_of(images.name, images.header.shape);
  const ElementType type = pixel_type_of(images);
  const std::int64_t count = images.header.shape[0];
  ArrayLabels labels;
  if (label_array) labels = labels_of(*label_array, count, options.classes);
  if (images.file) {
    return std::make_shared<ArrayFile>(ImagesInFile{std::move(images.file),
                                                    {images.offset},
                                                    count,
                                                    shape,
                                                    type,
                                                    count,
                                                    std::move(labels),
                                                    name});
  }
  const auto owner = std::make_shared<Owned>();
  owner->labels = std::move(labels);
  ImageArrays arrays;
  if (type == ElementType::u8) {
    owner->bytes = std::move(images.bytes);
    const auto* pixels =
        reinterpret_cast<const std::uint8_t*>(owner->bytes.data() + images.header.data_offset);
    arrays.u8_pixels = {pixels, images.items()};
  } else {
    owner->converted = values_of<float>(images);
    arrays.f32_pixels = owner->converted;
  }
  arrays.shape = shape;
  arrays.labels = owner->labels.classes;
  arrays.targets = owner->labels.targets;
  arrays.classes = owner->labels.names;
  arrays.name = name;
  arrays.owner = owner;
  return std::make_shared<ArrayDataset>(std::move(arrays));
}

// An .npz, and the arrays in it.
class Npz {
 public:
  Npz(const fs::path& path, std::uint64_t resident_bytes)
      : path_(path), resident_bytes_(resident_bytes), file_(path, true) {
    members_ = read_zip(file_, path.string());
  }

  bool has(const std::string& array) const { return find(array) != nullptr; }

  Array open(const std::string& array) const {
    const ZipMember* member = find(array);
    if (member == nullptr) {
      std::string known;
      for (const ZipMember& other : members_) known += " " + other.name;
      throw Error(ErrorCode::invalid_argument,
                  path_.string() + ": there is no array '" + array + "'; there are:" + known);
    }
    const std::string name = path_.string() + ": " + array;
    if (!member->deflated && member->size > resident_bytes_) {
      return take_plain(std::make_unique<const ArchiveFile>(path_, true), name, member->offset,
                        member->size, resident_bytes_);
    }
    Array result;
    result.name = name;
    result.bytes = read_zip_member(file_, path_.string(), *member);
    const std::span<const std::byte> all(result.bytes);
    result.header =
        parse_npy_header(all.first(std::min(all.size(), most_npy_head_bytes)), all.size(), name);
    return result;
  }

 private:
  const ZipMember* find(const std::string& array) const {
    const auto found = std::find_if(members_.begin(), members_.end(), [&](const ZipMember& member) {
      return member.name == array + ".npy" || member.name == array;
    });
    return found == members_.end() ? nullptr : &*found;
  }

  fs::path path_;
  std::uint64_t resident_bytes_;
  ArchiveFile file_;
  std::vector<ZipMember> members_;
};

std::shared_ptr<const Dataset> open_npz(std::string_view location, std::uint64_t resident_bytes,
                                        const DataOptions& options) {
  const std::size_t hash = std::min(location.rfind('#'), location.size());
  const fs::path path(location.substr(0, hash));
  const Npz npz(path, resident_bytes);
  const ArrayNames names = choose_arrays(
      path.string(), hash == location.size() ? std::string_view() : location.substr(hash + 1),
      [&](const std::string& array) { return npz.has(array); });
  std::optional<Array> labels;
  if (!names.labels.empty()) labels = npz.open(names.labels);
  return make_dataset(path.string(), npz.open(names.images), std::move(labels), options);
}

// labels.npy beside images.npy, y_train.npy beside x_train.npy.
fs::path labels_beside(const fs::path& images) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> pairs = {
      {{"images", "labels"}, {"x", "y"}, {"X", "y"}, {"X", "Y"}}};
  const std::string name = images.filename().string();
  std::error_code none;
  for (const auto& [from, to] : pairs) {
    const std::size_t at = name.find(from);
    const bool is_word = at != std::string::npos && (from.size() > 1 || at == 0);
    if (!is_word) continue;
    fs::path labels = images;
    labels.replace_filename(std::string(name).replace(at, from.size(), to));
    if (fs::exists(labels, none)) return labels;
  }
  return {};
}

}  // namespace

std::shared_ptr<const Dataset> open_numpy_within(std::uint64_t resident_bytes,
                                                 std::string_view location,
                                                 const DataOptions& options) {
  if (location.substr(0, location.rfind('#')).ends_with(".npz")) {
    return open_npz(location, resident_bytes, options);
  }
  const std::size_t comma = std::min(location.find(','), location.size());
  const fs::path path(location.substr(0, comma));
  const fs::path labels_path =
      comma == location.size() ? labels_beside(path) : fs::path(location.substr(comma + 1));
  std::optional<Array> labels;
  constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
  if (!labels_path.empty()) labels = open_npy(labels_path, no_limit);
  return make_dataset(path.string(), open_npy(path, resident_bytes), std::move(labels), options);
}

std::shared_ptr<const Dataset> open_numpy(std::string_view location, const DataOptions& options) {
  return open_numpy_within(std::uint64_t{1} << 30, location, options);
}

}  // namespace headrace
