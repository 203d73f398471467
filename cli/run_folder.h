#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace headrace::cli {

// The folder of one training run and the files in it.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path history() const { return path_ / "history.csv"; }
  std::filesystem::path curves() const { return path_ / "curves.png"; }
  std::filesystem::path model() const { return path_ / "model.safetensors"; }
  std::filesystem::path best() const { return path_ / "best.safetensors"; }
  std::filesystem::path record() const { return path_ / "run.json"; }
  // Of images that could not be used; only where there were any.
  std::filesystem::path errors() const { return path_ / "errors.csv"; }

  // Makes the folder and sees whether files can be written there, leaving nothing behind.
  // Throws Error{io} naming the folder.
  void prepare() const;
  // Of a run's files, those that are there, by name.
  std::vector<std::string> files() const;
  // Throws Error{invalid_argument} if a run is there, saying how to go on with or replace it.
  void require_free() const;
  // Removes the files of a run.
  void clear() const;

 private:
  std::filesystem::path path_;
};

}  // namespace headrace::cli
