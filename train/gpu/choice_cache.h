#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace headrace::gpu {

// What was found to be fastest, kept in a file from run to run: a line of text for each question,
// which names device, library version and shape. A file that cannot be read or written is no
// error: then it is measured again. Used by one thread.
class ChoiceCache {
 public:
  // An empty path: nothing is kept.
  explicit ChoiceCache(std::filesystem::path file);

  // Empty: not known.
  std::string find(const std::string& question) const;
  void keep(const std::string& question, const std::string& answer);
  // Writes what is new, with what other processes have written meanwhile.
  void save();

  // $XDG_CACHE_HOME/headrace/NAME, or ~/.cache/headrace/NAME; empty without either.
  static std::filesystem::path usual_place(const std::string& name);

 private:
  std::filesystem::path file_;
  std::map<std::string, std::string> answers_;
  bool changed_ = false;
};

}  // namespace headrace::gpu
