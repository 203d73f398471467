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
// - With a header there may be more: `weight` (a number from 0 on; the field "weight"), `split`
// (see
//   DataOptions::split), and for labels `tags` (several classes, parted by ';', '|' or spaces: as
//   many 0 and 1 as there are classes) or `value`, `values`, `score`, `targets`. Where none of
//   these is a label all other columns must be numbers, which are to be predicted; else they do not
//   count.
// - With a header there may also be columns of what moves with the image (pipeline/targets.h),
// which
//   become fields of these names, after the others:
//     mask     a PNG with a palette, whose indices are classes, or a grey image file of 8 bits,
//              whose levels are
//     image2   a second image file, made the same of
//     boxes    "left top right bottom class; ...": pixels of the upright image; no class is 0
//     points   "x y; - ; x y": so too; - is a point that is not known
// - Blank lines and lines that begin with '#' do not count. LF or CRLF ends a line; UTF-8, with or
//   without a byte order mark.
// - Labels that are all whole numbers are class indices, and classes are named 0 .. max, at most
//   1,000,000 of them. If they are numbers, but not all whole, they are to be predicted (f32 {1}).
//   Otherwise labels are names, and classes are the sorted names.
//
// A list whose name ends in .jsonl or .ndjson has one JSON object a line, with the same names as
// keys: {"path": "a.jpg", "label": "cat", "weight": 0.5, "split": "train"}. Other keys do not
// count. A label that is a list of texts is several classes, a list of numbers is to be predicted;
// null is none. "boxes" and "points" may be lists of lists, [[left, top, right, bottom, class]] and
// [[x, y], null]. What moves with the images is what the first row has; a row without it has no
// boxes or points.
//
// Records: "image" (encoded_image); if the list has labels, "label" (class_label, or f32 values
// {numbers or classes}); if it has weights, "weight" (f32 {}). Keys are
// "train.csv:812: cats/812.jpg". Memory: the text and 24 bytes a row, and labels that are no class.
//
// Throws Error{io}, or Error{corrupt_data} "train.csv:812: what is wrong, and what to do".
std::shared_ptr<const Dataset> open_file_list(const std::filesystem::path& path,
                                              const DataOptions& options = {});

// The same from text in memory. `name` stands for the list in messages and keys.
std::shared_ptr<const Dataset> parse_file_list(std::string_view text, std::string name,
                                               const DataOptions& options = {});

}  // namespace headrace
