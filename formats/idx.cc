#include "headrace/formats/idx.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "headrace/formats/gzip_reader.h"
#include "headrace/formats/label_names.h"
#include "headrace/formats/resident.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr int type_u8 = 0x08;
constexpr int type_i32 = 0x0C;

struct IdxArray {
  int type = 0;
  std::vector<std::uint32_t> extents;
  std::vector<std::uint8_t> bytes;
};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::corrupt_data, path.string() + ": " + what);
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

std::size_t read_some(GzipReader& reader, std::span<std::uint8_t> into) {
  return reader.read(std::as_writable_bytes(into));
}

IdxArray read_header(GzipReader& reader, const std::filesystem::path& path) {
  std::array<std::uint8_t, 4> magic{};
  if (read_some(reader, magic) != magic.size() || magic[0] != 0 || magic[1] != 0 ||
      magic[2] < type_u8 || magic[2] > 0x0E || magic[3] == 0) {
    refuse(path,
           "this is not an IDX file, which begins with two zero bytes, a type and the "
           "number of dimensions");
  }
  if (magic[2] != type_u8 && magic[2] != type_i32) {
    throw Error(ErrorCode::unsupported,
                path.string() + ": values of IDX type " + std::to_string(magic[2]) +
                    " are not supported; convert them to unsigned bytes (type 8)");
  }
  IdxArray array{magic[2], {}, {}};
  std::vector<std::uint8_t> extents(std::size_t{4} * magic[3]);
  if (read_some(reader, extents) != extents.size()) refuse(path, "the file ends in its header");
  for (std::size_t at = 0; at < extents.size(); at += 4) {
    array.extents.push_back(big_endian(extents.data() + at));
  }
  return array;
}

IdxArray read_idx(const std::filesystem::path& path) {
  GzipReader reader(path);
  IdxArray array = read_header(reader, path);
  // Believed only after it was compared with the size of the file.
  const std::uint64_t bound = reader.upper_bound();
  std::uint64_t size = array.type == type_i32 ? 4 : 1;
  for (const std::uint32_t extent : array.extents) {
    if (extent == 0) refuse(path, "a dimension is 0: there are no values");
    if (size > bound / extent) {
      refuse(path, "the file ends early: its header claims more values than it can hold");
    }
    size *= extent;
  }
  array.bytes.resize(static_cast<std::size_t>(size));
  const std::size_t count = read_some(reader, array.bytes);
  if (count < array.bytes.size()) {
    refuse(path, "the file ends early: " + std::to_string(count) + " of " + std::to_string(size) +
                     " bytes of values");
  }
  if (!reader.at_end()) {
    refuse(path,
           "there are bytes after the " + std::to_string(size) + " that its header announces");
  }
  return array;
}

// Replaces the last `from` in a file name; false if there is none.
bool replace_last(std::string& name, std::string_view from, std::string_view to) {
  const std::size_t at = name.rfind(from);
  if (at == std::string::npos) return false;
  name.replace(at, from.size(), to);
  return true;
}

std::filesystem::path find_labels(const std::filesystem::path& images) {
  constexpr std::string_view gzip = ".gz";
  std::string name = images.filename().string();
  const std::string hint = "; say idx:IMAGES,LABELS";
  if (!replace_last(name, "images", "labels")) {
    throw Error(ErrorCode::invalid_argument,
                images.string() + ": its name does not tell where its labels are" + hint);
  }
  if (!replace_last(name, "idx3", "idx1")) replace_last(name, "idx4", "idx1");
  const std::string other =
      name.ends_with(gzip) ? name.substr(0, name.size() - gzip.size()) : name + std::string(gzip);
  for (const std::string& candidate : {name, other}) {
    const std::filesystem::path labels = images.parent_path() / candidate;
    std::error_code ignored;
    if (std::filesystem::exists(labels, ignored)) return labels;
  }
  throw Error(ErrorCode::io, images.string() + ": there are no labels beside it, in " + name +
                                 " or " + other + hint);
}

ResidentImages read_images(const std::filesystem::path& path) {
  IdxArray array = read_idx(path);
  const std::size_t dimensions = array.extents.size();
  if (dimensions == 1) refuse(path, "this is a file of labels; give the one of the images");
  if (dimensions != 3 && dimensions != 4) {
    refuse(path, "images have 3 or 4 dimensions and not " + std::to_string(dimensions));
  }
  if (array.type != type_u8) {
    throw Error(ErrorCode::unsupported,
                path.string() + ": pixels must be unsigned bytes (IDX type 8)");
  }
  constexpr std::uint32_t largest = std::numeric_limits<std::int32_t>::max();
  if (std::any_of(array.extents.begin() + 1, array.extents.end(),
                  [](std::uint32_t extent) { return extent > largest; })) {
    refuse(path, "an image has more than 2^31 rows, columns or channels");
  }
  ResidentImages images;
  images.shape = {static_cast<int>(array.extents[1]), static_cast<int>(array.extents[2]),
                  dimensions == 4 ? static_cast<int>(array.extents[3]) : 1};
  images.pixels = std::move(array.bytes);
  return images;
}

std::vector<std::int32_t> read_labels(const std::filesystem::path& path) {
  const IdxArray array = read_idx(path);
  if (array.extents.size() != 1) refuse(path, "this is a file of images and not of labels");
  std::vector<std::int32_t> labels(array.extents[0]);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = array.type == type_u8
                    ? array.bytes[i]
                    : static_cast<std::int32_t>(big_endian(array.bytes.data() + 4 * i));
    if (labels[i] < 0 || labels[i] >= most_classes) {
      refuse(path, "record " + std::to_string(i) + " has label " + std::to_string(labels[i]) +
                       "; class numbers are 0 .. 999999");
    }
  }
  return labels;
}

}  // namespace

std::shared_ptr<const Dataset> open_idx(const std::filesystem::path& images,
                                        const std::filesystem::path& labels,
                                        const DataOptions& options) {
  ResidentImages resident = read_images(images);
  const std::filesystem::path labels_path = labels.empty() ? find_labels(images) : labels;
  resident.labels = read_labels(labels_path);
  const std::size_t count = resident.pixels.size() / resident.shape.elements();
  if (resident.labels.size() != count) {
    refuse(labels_path, "there are " + std::to_string(resident.labels.size()) + " labels for the " +
                            std::to_string(count) + " images of " + images.string());
  }
  const std::int32_t largest = *std::max_element(resident.labels.begin(), resident.labels.end());
  return make_resident(images.string(), std::move(resident),
                       number_names(static_cast<std::size_t>(largest) + 1), options.classes);
}

}  // namespace headrace
