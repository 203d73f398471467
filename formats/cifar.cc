#include "headrace/formats/cifar.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "headrace/formats/file_reader.h"
#include "headrace/formats/label_names.h"
#include "headrace/formats/resident.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

constexpr int side = 32;
constexpr std::size_t plane = side * side;
constexpr std::size_t image_bytes = 3 * plane;

struct Variant {
  std::string_view name;
  std::string_view classes_file;
  std::vector<int> ranges;  // of the label bytes of a record; the last is the class

  std::size_t record_bytes() const { return ranges.size() + image_bytes; }
  int classes() const { return ranges.back(); }
};

const std::array<Variant, 2>& variants() {
  static const std::array<Variant, 2> both = {
      Variant{"CIFAR-10", "batches.meta.txt", {10}},
      Variant{"CIFAR-100", "fine_label_names.txt", {20, 100}}};
  return both;
}

using Bytes = std::span<const std::byte>;

// "" if `file` may be of `variant`, else why it is not.
std::string objection(const Variant& variant, Bytes file) {
  const std::size_t record = variant.record_bytes();
  if (file.size() % record != 0) {
    return "its " + std::to_string(file.size()) + " bytes are not a whole number of " +
           std::string(variant.name) + " records of " + std::to_string(record);
  }
  for (std::size_t at = 0; at < file.size(); at += record) {
    for (std::size_t i = 0; i < variant.ranges.size(); ++i) {
      const int label = std::to_integer<int>(file[at + i]);
      if (label >= variant.ranges[i]) {
        return "record " + std::to_string(at / record) + " has label " + std::to_string(label) +
               "; those of " + std::string(variant.name) + " are 0 .. " +
               std::to_string(variant.ranges[i] - 1);
      }
    }
  }
  return {};
}

const Variant& variant_of(Bytes file, const fs::path& path) {
  std::string why;
  for (const Variant& variant : variants()) {
    const std::string no = objection(variant, file);
    if (no.empty()) return variant;
    // Of two objections, the one about the contents says more.
    if (why.empty() || file.size() % variant.record_bytes() == 0) why = no;
  }
  throw Error(ErrorCode::corrupt_data, path.string() + ": " + why);
}

void append_records(const Variant& variant, Bytes file, ResidentImages& images) {
  const std::size_t record = variant.record_bytes();
  const std::size_t count = file.size() / record;
  std::size_t pixel = images.pixels.size();
  images.pixels.resize(pixel + count * image_bytes);
  for (std::size_t r = 0; r < count; ++r) {
    const std::byte* planes = file.data() + r * record + variant.ranges.size();
    images.labels.push_back(std::to_integer<std::int32_t>(planes[-1]));
    for (std::size_t i = 0; i < plane; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        images.pixels[pixel++] = std::to_integer<std::uint8_t>(planes[c * plane + i]);
      }
    }
  }
}

std::vector<fs::path> training_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (int number = 1;; ++number) {
    fs::path file = folder / ("data_batch_" + std::to_string(number) + ".bin");
    if (!fs::exists(file, ignored)) break;
    files.push_back(std::move(file));
  }
  if (files.empty() && fs::exists(folder / "train.bin", ignored)) {
    files.push_back(folder / "train.bin");
  }
  return files;
}

std::vector<std::string> class_names(const Variant& variant, const fs::path& folder) {
  const fs::path path = folder / variant.classes_file;
  const auto count = static_cast<std::size_t>(variant.classes());
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return number_names(count);
  std::vector<std::byte> buffer;
  const Bytes bytes = FileReader().read(path.c_str(), buffer);
  std::istringstream text(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);) {
    line.erase(std::find_if(line.rbegin(), line.rend(),
                            [](char c) { return c != ' ' && c != '\t' && c != '\r'; })
                   .base(),
               line.end());
    if (!line.empty()) names.push_back(std::move(line));
  }
  if (names.size() != count) {
    throw Error(ErrorCode::corrupt_data, path.string() + " names " + std::to_string(names.size()) +
                                             " classes and not " + std::to_string(count) +
                                             "; mend it, or remove it to do without names");
  }
  return names;
}

}  // namespace

bool is_cifar_folder(const fs::path& folder) { return !training_files(folder).empty(); }

std::shared_ptr<const Dataset> open_cifar(const std::vector<fs::path>& files,
                                          const DataOptions& options) {
  if (files.empty()) throw Error(ErrorCode::invalid_argument, "CIFAR: no file is given");
  std::error_code ignored;
  std::vector<fs::path> parts = files;
  if (files.size() == 1 && fs::is_directory(files[0], ignored)) {
    parts = training_files(files[0]);
    if (parts.empty()) {
      throw Error(ErrorCode::io,
                  files[0].string() + " holds neither data_batch_1.bin nor train.bin of CIFAR");
    }
  }
  ResidentImages images;
  images.shape = {side, side, 3};
  std::vector<std::byte> buffer;
  const Variant* variant = nullptr;
  for (const fs::path& part : parts) {
    const Bytes file = FileReader().read(part.c_str(), buffer);
    if (!variant) variant = &variant_of(file, part);
    if (const std::string no = objection(*variant, file); !no.empty()) {
      throw Error(ErrorCode::corrupt_data, part.string() + ": " + no);
    }
    append_records(*variant, file, images);
  }
  return make_resident(files[0].string(), std::move(images),
                       class_names(*variant, parts[0].parent_path()), options.classes);
}

void write_cifar10(const fs::path& path, std::span<const std::uint8_t> pixels,
                   std::span<const std::int32_t> labels) {
  if (pixels.size() != labels.size() * image_bytes) {
    throw Error(ErrorCode::invalid_argument, path.string() + ": " + std::to_string(labels.size()) +
                                                 " images have " + std::to_string(pixels.size()) +
                                                 " values; CIFAR-10 has 32 x 32 x 3 each");
  }
  AtomicFile file(path);
  std::array<std::byte, 1 + image_bytes> record{};
  for (std::size_t r = 0; r < labels.size(); ++r) {
    if (labels[r] < 0 || labels[r] > 9) {
      throw Error(ErrorCode::invalid_argument, path.string() + ": record " + std::to_string(r) +
                                                   " has label " + std::to_string(labels[r]) +
                                                   "; those of CIFAR-10 are 0 .. 9");
    }
    record[0] = static_cast<std::byte>(labels[r]);
    const std::uint8_t* image = pixels.data() + r * image_bytes;
    for (std::size_t i = 0; i < plane; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        record[1 + c * plane + i] = static_cast<std::byte>(image[3 * i + c]);
      }
    }
    file.write(record);
  }
  file.commit();
}

}  // namespace headrace
