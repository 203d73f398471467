#include "headrace/train/checkpoint_series.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t digits = 8;  // at least, so that names sort

std::uint64_t steps_of(const Checkpoint& checkpoint) {
  return checkpoint.training ? checkpoint.training->total_steps : 0;
}

// The steps in a name "STEM-NUMBER.EXTENSION" beside `path`.
std::optional<std::uint64_t> number_of(const fs::path& file, const fs::path& path) {
  if (file.extension() != path.extension()) return std::nullopt;
  const std::string name = file.stem().string(), stem = path.stem().string() + "-";
  if (!name.starts_with(stem) || name.size() < stem.size() + digits) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [read, error] = std::from_chars(name.data() + stem.size(), end, number);
  if (error != std::errc() || read != end) return std::nullopt;
  return number;
}

// A second name for the file, or, where the file system has no such thing, a copy.
void link_or_copy(const fs::path& from, const fs::path& to, const Checkpoint& checkpoint) {
  const fs::path beside = to.string() + ".link";
  std::error_code error;
  fs::remove(beside, error);
  fs::create_hard_link(from, beside, error);
  if (!error) fs::rename(beside, to, error);
  if (!error) return;
  fs::remove(beside, error);
  save_checkpoint(to, checkpoint);
}

}  // namespace

fs::path numbered_checkpoint(const fs::path& path, std::uint64_t steps) {
  std::string number = std::to_string(steps);
  if (number.size() < digits) number.insert(0, digits - number.size(), '0');
  return path.parent_path() / (path.stem().string() + "-" + number + path.extension().string());
}

std::vector<fs::path> numbered_checkpoints(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<std::pair<std::uint64_t, fs::path>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto number = number_of(entry.path(), path);
    if (number) found.emplace_back(*number, path.parent_path() / entry.path().filename());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> paths;
  for (auto& [number, file] : found) paths.push_back(std::move(file));
  return paths;
}

void save_in_series(const fs::path& path, const Checkpoint& checkpoint, int keep) {
  if (keep <= 1) return save_checkpoint(path, checkpoint);
  const fs::path numbered = numbered_checkpoint(path, steps_of(checkpoint));
  save_checkpoint(numbered, checkpoint);
  link_or_copy(numbered, path, checkpoint);
  const std::vector<fs::path> all = numbered_checkpoints(path);
  for (std::size_t i = static_cast<std::size_t>(keep); i < all.size(); ++i) {
    std::error_code error;
    fs::remove(all[i], error);  // a file too many does no harm
  }
}

std::optional<FoundCheckpoint> load_newest_checkpoint(const fs::path& path) {
  std::vector<fs::path> candidates = numbered_checkpoints(path);
  std::error_code error;
  const bool is_linked =
      !candidates.empty() && fs::equivalent(candidates.front(), path, error) && !error;
  if (!is_linked && fs::exists(path)) candidates.insert(candidates.begin(), path);
  FoundCheckpoint found;
  std::exception_ptr first;
  bool has_one = false;
  for (const fs::path& candidate : candidates) {
    // After `path` itself, which has no number, the newest numbered one is looked at too.
    if (has_one && found.path != path) break;
    try {
      Checkpoint checkpoint = load_checkpoint(candidate);
      const bool newer = !has_one || steps_of(checkpoint) > steps_of(found.checkpoint);
      if (has_one && !newer) break;
      found.path = candidate;
      found.checkpoint = std::move(checkpoint);
      has_one = true;
    } catch (const Error& broken) {
      if (first == nullptr) first = std::current_exception();
      found.broken.emplace_back(broken.what());
    }
  }
  if (has_one) return found;
  if (first != nullptr) std::rethrow_exception(first);
  return std::nullopt;
}

}  // namespace headrace
