#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// A list of image files with labels: text of one row a line, `path,label`. Images are read when
// asked for, and a missing one is reported then.
//
// - Columns are separated by commas, tabs, or spaces (then the last space counts); the first row
//   decides. Fields may be quoted: "a,b.jpg", with "" for a quote. Spaces around unquoted fields do
//   not count. A list may have paths only.
// - A first row of column names is a header: path, file, filename, image, ... and label, class,
//   y, ..., in either order. Any other first row is data.
// - Blank lines and lines that begin with '#' do not count. LF or CRLF ends a line; UTF-8, with or
//   without a byte order mark.
// - Labels that are all whole numbers are class indices, and classes are named 0 .. max, at most
//   1,000,000 of them. Otherwise labels are names, and classes are the sorted names.
//
// Records: "image" (encoded_image) and, if the list has labels, "label". Keys are
// "train.csv:812: cats/812.jpg". Memory: the text and 24 bytes a row.
//
// Throws Error{io}, or Error{corrupt_data} "train.csv:812: what is wrong, and what to do".
std::shared_ptr<const Dataset> open_file_list(const std::filesystem::path& path,
                                              const DataOptions& options = {});

// The same from text in memory. `name` stands for the list in messages and keys.
std::shared_ptr<const Dataset> parse_file_list(std::string_view text, std::string name,
                                               const DataOptions& options = {});

}  // namespace headrace
