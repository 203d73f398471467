#include "headrace/formats/export_layout.h"

#include <algorithm>
#include <array>
#include <utility>

#include "headrace/formats/label_names.h"

namespace headrace {
namespace {

constexpr std::size_t fewest_digits = 6;
constexpr std::size_t longest_name = 200;  // of the 255 bytes that file systems allow

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool can_name_a_folder(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.size() <= longest_name &&
         name.find('/') == std::string_view::npos && !has_control(name);
}

// True if a list with these labels gives the same classes in the same order.
bool come_back_as_names(const std::vector<std::string>& classes) {
  return !classes.empty() && std::is_sorted(classes.begin(), classes.end()) &&
         std::none_of(classes.begin(), classes.end(), [](const std::string& name) {
           return name.empty() || has_control(name) || is_whole_number(name);
         });
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"# \t") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

ExportLayout::ExportLayout(const Dataset& dataset, std::string images, bool class_folders)
    : dataset_(dataset),
      images_(std::move(images)),
      class_folders_(class_folders),
      labelled_(dataset.label(0) >= 0),
      label_by_name_(come_back_as_names(dataset.info().classes)),
      digits_(std::max(fewest_digits, std::to_string(dataset.size() - 1).size())) {
  const std::vector<std::string>& classes = dataset.info().classes;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    class_folder_names_.push_back(can_name_a_folder(classes[i]) ? classes[i]
                                                                : "class_" + std::to_string(i));
  }
}

std::string ExportLayout::folder_of(std::int64_t label) const {
  if (!class_folders_ || label < 0) return images_;
  const auto i = static_cast<std::size_t>(label);
  return images_ + "/" +
         (i < class_folder_names_.size() ? class_folder_names_[i] : std::to_string(label));
}

std::string ExportLayout::path_of(std::int64_t index, std::string_view suffix) const {
  std::string number = std::to_string(index);
  number.insert(0, digits_ - number.size(), '0');
  return folder_of(dataset_.label(index)) + "/" + number + std::string(suffix);
}

std::string ExportLayout::header() const { return labelled_ ? "path,label" : "path"; }

std::string ExportLayout::row_of(std::int64_t index, std::string_view path) const {
  if (!labelled_) return csv_field(path);
  const std::int64_t label = dataset_.label(index);
  return csv_field(path) + "," +
         (label_by_name_ ? csv_field(dataset_.info().classes[static_cast<std::size_t>(label)])
                         : std::to_string(label));
}

std::string_view image_suffix_of(std::span<const std::byte> encoded) {
  const std::string_view bytes(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> beginnings = {{
      {"\xFF\xD8\xFF", ".jpg"},
      {"\x89PNG\r\n", ".png"},
      {"GIF8", ".gif"},
      {"BM", ".bmp"},
      {"II*", ".tif"},
      {"MM", ".tif"},
      {"P2", ".pgm"},
      {"P5", ".pgm"},
      {"P3", ".ppm"},
      {"P6", ".ppm"},
  }};
  for (const auto& [beginning, suffix] : beginnings) {
    if (bytes.starts_with(beginning)) return suffix;
  }
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return ".webp";
  return {};
}

}  // namespace headrace
