#pragma once

#include <filesystem>
#include <memory>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Images and labels in a pair of IDX files, plain or compressed by gzip, as MNIST and its kin come.
// Format: two zero bytes, a type, the number of dimensions; the extents and then the values, all
// big-endian. Images are u8 of dimensions [n, h, w] or [n, h, w, channels]; labels u8 or i32 of
// [n].
//
// `labels` may be empty: the labels of train-images-idx3-ubyte.gz are then looked for in
// train-labels-idx1-ubyte.gz, or the same without .gz.
//
// Records: "image" (pixels) and "label", resident in memory. Classes are named 0 .. max, or are
// `options.classes`.
//
// Throws Error{io} or Error{corrupt_data} naming the file: not an IDX file, cut short, too long,
// counts that differ, a label out of range; Error{unsupported} for other types of values.
std::shared_ptr<const Dataset> open_idx(const std::filesystem::path& images,
                                        const std::filesystem::path& labels = {},
                                        const DataOptions& options = {});

}  // namespace headrace
