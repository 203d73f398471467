#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "headrace/train/checkpoint.h"

namespace headrace {

// The place of the checkpoint after so many steps, beside `path`: model-00000120.safetensors.
std::filesystem::path numbered_checkpoint(const std::filesystem::path& path, std::uint64_t steps);

// The numbered checkpoints that there are beside `path`, those after most steps first.
std::vector<std::filesystem::path> numbered_checkpoints(const std::filesystem::path& path);

// Saves under both names, the numbered one first, so that at any moment one is whole; then removes
// all numbered ones but the newest `keep`. With `keep` 1 there is no numbered one. Errors as
// save_checkpoint.
void save_in_series(const std::filesystem::path& path, const Checkpoint& checkpoint, int keep);

struct FoundCheckpoint {
  std::filesystem::path path;
  Checkpoint checkpoint;
  std::vector<std::string> broken;  // what newer ones suffer from
};

// The checkpoint after most steps that can be read, at `path` or numbered beside it; nothing if
// there is no such file. Throws the first's Error if there are some, but none is whole.
std::optional<FoundCheckpoint> load_newest_checkpoint(const std::filesystem::path& path);

}  // namespace headrace
