#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/dataset.h"

namespace headrace {

// How an exported data set is named: folders and files of images, and rows of the list.
class ExportLayout {
 public:
  // `images` is the folder of the images as the list names it.
  ExportLayout(const Dataset& dataset, std::string images, bool class_folders);

  // The folder of the records of class `label` (-1: of no class), as the list names it.
  std::string folder_of(std::int64_t label) const;
  // "images/train/cats/000812.jpg"
  std::string path_of(std::int64_t index, std::string_view suffix) const;
  // "path,label", without an end of line.
  std::string header() const;
  // A row of the list for an image at `path`.
  std::string row_of(std::int64_t index, std::string_view path) const;

 private:
  const Dataset& dataset_;
  std::string images_;
  bool class_folders_;
  bool labelled_;
  bool label_by_name_;
  std::size_t digits_;
  std::vector<std::string> class_folder_names_;
};

// The suffix that the bytes of an image file should have: ".jpg", ".png", ...; "" if they are no
// image of a known kind.
std::string_view image_suffix_of(std::span<const std::byte> encoded);

}  // namespace headrace
