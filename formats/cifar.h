#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "headrace/formats/data_options.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// The binary version of CIFAR-10 (records of 3,073 bytes: label, planes R, G, B of 32 x 32) or
// CIFAR-100 (3,074: coarse label, fine label, planes; the fine one is used). The size of the file
// and its labels tell which.
//
// `files`: one or more files, in order; or one folder, which stands for its training part:
// data_batch_*.bin, or train.bin.
//
// Records: "image" (u8 pixels {32, 32, 3}) and "label", resident in memory. Classes are named by
// batches.meta.txt or fine_label_names.txt beside the first file, else by numbers; they are mapped
// to `options.classes` where those are given.
//
// Throws Error{io} or Error{corrupt_data} naming the file: cut short, a label out of range, ...
std::shared_ptr<const Dataset> open_cifar(const std::vector<std::filesystem::path>& files,
                                          const DataOptions& options = {});

// True for a folder that open_cifar takes.
bool is_cifar_folder(const std::filesystem::path& folder);

// Writes images [n, 32, 32, 3] with labels 0 .. 9 as a CIFAR-10 file, beside `path` and then
// renamed.
// Throws Error{invalid_argument} if the counts differ or a label is out of range; Error{io}.
void write_cifar10(const std::filesystem::path& path, std::span<const std::uint8_t> pixels,
                   std::span<const std::int32_t> labels);

}  // namespace headrace
