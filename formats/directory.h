#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// A folder of class folders: folder/cats/1.jpg, folder/dogs/old/2.png, ... Classes are the sorted
// names of the folders; images are sorted by path, at any depth. A folder that holds images and no
// folder is a data set without labels.
//
// Images are known by their suffix, in any case: jpg jpeg png bmp webp tif tiff ppm pgm gif. Other
// files, and hidden files and folders, do not count. Links are followed; a link into a folder that
// the class has already shown adds nothing.
//
// Records: "image" (encoded_image) and, with class folders, "label". Keys are paths.
//
// Throws Error{io} if a folder cannot be read, Error{corrupt_data} if there is no image, a class
// has none, images lie beside class folders, or a class is not one of `options.classes`.
std::shared_ptr<const Dataset> open_directory(const std::filesystem::path& folder,
                                              const DataOptions& options = {});

// True if the suffix of `path` is that of an image file, as above.
bool has_image_suffix(std::string_view path);

}  // namespace headrace
