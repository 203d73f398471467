#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "headrace/augment/recipe.h"
#include "headrace/cli/image_data.h"

namespace headrace::cli {

// What was fitted for a recipe over a data set (mean, deviation, whitening), kept in a file for
// later runs. Its name is a fingerprint of all that the numbers depend on: the records with sizes
// and times of their files, how they are decoded and resized, and the normalisation. So what would
// be stale is not found.
class KeptStatistics {
 public:
  // `folder`: "" for headrace/fitted in $XDG_CACHE_HOME, or else ~/.cache; "none" for no file. Of
  // data that cannot tell whether they have changed nothing is kept either.
  KeptStatistics(const std::string& folder, const ImageData& data, const Recipe& recipe);

  // Empty: nothing is kept.
  const std::filesystem::path& path() const { return path_; }

  // Gives them to the recipe; false if they are not there, or damaged.
  bool load(Recipe& recipe) const;
  // Throws Error{io} if the file cannot be written.
  void save(const Recipe& recipe) const;

 private:
  std::uint64_t key_ = 0;
  std::filesystem::path path_;
};

}  // namespace headrace::cli
