#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "headrace/train/tensor.h"

namespace headrace {

// A file of named f32 tensors with text beside them, in the safetensors format: readable by its
// Python package, and written by others.
struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<NamedTensor> tensors;
};

// Writes beside `path`, then renames: what was there before stays whole until the new file is
// whole, and stays for good if anything fails.
// Throws Error{io} naming the path (full disk, missing folder, ...).
void save_safetensors(const std::filesystem::path& path, const TensorFile& file);

// Reads f32, f16, bf16 and f64 tensors as f32, in the order of their data; scalars of i64 are
// accepted too, other types are Error{unsupported}.
// Throws Error{io}, or Error{corrupt_data} naming the path and what is wrong: header longer than
// the file or 100 MB, offsets that overlap or leave the file, a size that does not fit its shape.
TensorFile load_safetensors(const std::filesystem::path& path);

}  // namespace headrace
