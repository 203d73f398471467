#pragma once

#include <memory>
#include <string_view>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Images in tar archives, in WebDataset's convention, with random access. `location` is a file, a
// folder of *.tar, or a pattern: "train-{000..099}.tar", "train-*.tar", "a.tar::b.tar".
//
// Files in a row whose names are equal up to the first dot behind the last slash are one sample:
// a/0001.jpg, a/0001.cls. What follows the dot is the name of a field. The image is the one file of
// a sample that is an image by its first bytes (or else by its name); the label is what .cls says,
// else "label", "class", ... at the top of .json, else .txt if all of these are whole numbers; else
// there are no labels. Another choice is put behind a '#', as names of fields and perhaps a place
// in JSON: "a.tar#left.jpg", "a.tar#jpg,txt", "a.tar#jpg,json:annotation.class". Labels are class
// numbers or names as in lists (file_list.h).
//
// Archives are ustar, with GNU's long names or pax headers, and not compressed. When one is first
// opened all its headers are read, and an index of about 100 bytes a sample is written beside it,
// as NAME.headrace-index, if the folder allows; it is made anew when size or time of the archive
// differ, or if it is damaged.
//
// Records: "image" (encoded_image) and, if there are labels, "label". Keys are
// "train-000.tar: a/0001.jpg".
//
// Throws Error{io}; Error{corrupt_data} "train-000.tar at byte 1024: what is wrong" (cut short, a
// damaged header, a name that leads out of the archive); Error{unsupported}. An archive that
// changes afterwards is an Error{io} when a record of it is read.
std::shared_ptr<const Dataset> open_tar_shards(std::string_view location,
                                               const DataOptions& options = {});

}  // namespace headrace
