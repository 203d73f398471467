#include "headrace/train/gpu/choice_cache.h"

#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"

namespace headrace::gpu {
namespace {

constexpr const char* header = "headrace choices 1";

std::map<std::string, std::string> read(const std::filesystem::path& file) {
  std::map<std::string, std::string> answers;
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line != header) return answers;
  while (std::getline(in, line)) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) answers[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return answers;
}

}  // namespace

ChoiceCache::ChoiceCache(std::filesystem::path file) : file_(std::move(file)) {
  if (!file_.empty()) answers_ = read(file_);
}

std::string ChoiceCache::find(const std::string& question) const {
  const auto found = answers_.find(question);
  return found == answers_.end() ? "" : found->second;
}

void ChoiceCache::keep(const std::string& question, const std::string& answer) {
  std::string& kept = answers_[question];
  changed_ = changed_ || kept != answer;
  kept = answer;
}

void ChoiceCache::save() {
  if (file_.empty() || !std::exchange(changed_, false)) return;
  for (auto& [question, answer] : read(file_)) answers_.try_emplace(question, answer);
  std::string text = std::string(header) + "\n";
  for (const auto& [question, answer] : answers_) text += question + "\t" + answer + "\n";
  std::error_code ignored;
  std::filesystem::create_directories(file_.parent_path(), ignored);
  try {
    write_file(file_, text);
  } catch (const Error&) {
    file_.clear();  // and is not tried again
  }
}

std::filesystem::path ChoiceCache::usual_place(const std::string& name) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "headrace" / name;
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::filesystem::path(home) / ".cache" / "headrace" / name;
}

}  // namespace headrace::gpu
