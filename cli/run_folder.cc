#include "headrace/cli/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/checkpoint_series.h"

namespace headrace::cli {

void RunFolder::prepare() const {
  std::error_code failure;
  std::filesystem::create_directories(path_, failure);
  if (failure) throw io_error("cannot make the folder " + path_.string(), failure.value());
  const AtomicFile probe(record());  // removed again: it is never committed
}

std::vector<std::string> RunFolder::files() const {
  std::vector<std::string> names;
  for (const auto& file : {history(), curves(), model(), best(), record(), errors()}) {
    std::error_code none;
    if (std::filesystem::exists(file, none)) names.push_back(file.filename().string());
  }
  return names;
}

void RunFolder::require_free() const {
  const auto names = files();
  // A record without a model is of a run that ended before its first epoch did: nothing is lost.
  std::error_code none;
  const auto is_there = [&none](const std::filesystem::path& file) {
    return std::filesystem::exists(file, none);
  };
  if (!is_there(history()) && !is_there(curves()) && !is_there(model())) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{} already holds a run ({}): --resume goes on with it, --overwrite "
                          "replaces it, or choose another --out",
                          path_.string(), fmt::join(names, ", ")));
}

void RunFolder::clear() const {
  std::vector<std::filesystem::path> all = numbered_checkpoints(model());
  for (const std::string& name : files()) all.push_back(path_ / name);
  for (const std::filesystem::path& file : all) {
    std::error_code failure;
    std::filesystem::remove(file, failure);
    if (failure) throw io_error("cannot remove " + file.string(), failure.value());
  }
}

}  // namespace headrace::cli
