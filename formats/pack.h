#pragma once

#include <filesystem>
#include <memory>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// A pack: a data set in one large file, or a few, made for reading at random (write_pack(),
// `headrace pack`; docs/pack.md has its bytes). A record is read at one stroke: its image as it
// was, or as pixels, with what a decoder would otherwise need an index for. Every record carries a
// check of all its bytes, which is looked at whenever it is read.
//
// In memory there are 16 bytes for each record. To open a pack of a million takes about 10 ms.
// Parts are kept open; files that change while they are read lead to errors that say where.

// True if the file begins as a pack does; false also if it cannot be read.
bool is_pack(const std::filesystem::path& path);

// Fields, labels and classes are those of the data set that was packed. Keys are
// "train.hpack: record 811: cats/812.jpg". The fingerprint is that of the data set that was packed,
// if its images were left as they were: a stream of it goes on from the pack.
// Throws Error{io} if there is nothing, Error{corrupt_data} naming the file if it is no pack, not
// whole or damaged, or if a label is none of the options' classes, Error{invalid_argument} for a
// part that is not the first.
// Reading throws Error{corrupt_data} "at byte 4,096 of train.hpack: ..." for a damaged record.
std::shared_ptr<const Dataset> open_pack(const std::filesystem::path& path,
                                         const DataOptions& options = {});

}  // namespace headrace
