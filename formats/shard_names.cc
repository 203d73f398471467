#include "headrace/formats/shard_names.h"

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_names = 1'000'000;

[[noreturn]] void refuse(std::string_view pattern, const std::string& why) {
  throw Error(ErrorCode::invalid_argument, std::string(pattern) + ": " + why);
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return {};
  return value;
}

// What may stand for the text within a pair of braces.
std::vector<std::string> choices(std::string_view pattern, std::string_view inner) {
  std::vector<std::string> names;
  if (const std::size_t dots = inner.find(".."); dots != std::string_view::npos) {
    const std::string_view low_text = inner.substr(0, dots);
    const auto low = number_in(low_text);
    const auto high = number_in(inner.substr(dots + 2));
    if (!low || !high || *high < *low) {
      refuse(pattern, "{" + std::string(inner) + "} is no range; write {000..099}");
    }
    if (static_cast<std::uint64_t>(*high - *low) >= most_names) {
      refuse(pattern, "it stands for more than 1,000,000 files");
    }
    for (std::int64_t value = *low; value <= *high; ++value) {
      const std::string digits = std::to_string(value);
      const std::size_t zeros = low_text.size() - std::min(low_text.size(), digits.size());
      names.push_back(std::string(zeros, '0') + digits);
    }
    return names;
  }
  for (std::size_t begin = 0; begin <= inner.size();) {
    const std::size_t comma = std::min(inner.find(',', begin), inner.size());
    names.emplace_back(inner.substr(begin, comma - begin));
    begin = comma + 1;
  }
  if (names.size() < 2) {
    refuse(pattern, "{" + std::string(inner) + "} is no choice; write {000..099} or {a,b}");
  }
  return names;
}

std::vector<std::string> expand_braces(std::string_view pattern) {
  std::vector<std::string> names = {""};
  std::string_view rest = pattern;
  while (!rest.empty()) {
    const std::size_t open = std::min(rest.find('{'), rest.size());
    for (std::string& name : names) name += rest.substr(0, open);
    if (open == rest.size()) break;
    const std::size_t close = rest.find('}', open);
    const std::string_view inner =
        close == std::string_view::npos ? "" : rest.substr(open + 1, close - open - 1);
    if (close == std::string_view::npos || inner.find('{') != std::string_view::npos) {
      refuse(pattern, "a brace is not closed, or lies within another pair");
    }
    std::vector<std::string> longer;
    const std::vector<std::string> all = choices(pattern, inner);
    if (all.size() > most_names / names.size()) {
      refuse(pattern, "it stands for more than 1,000,000 files");
    }
    for (const std::string& name : names) {
      for (const std::string& choice : all) longer.push_back(name + choice);
    }
    names = std::move(longer);
    rest.remove_prefix(close + 1);
  }
  return names;
}

std::vector<fs::path> shards_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() == ".tar" && !path.filename().string().starts_with('.')) {
      found.push_back(path);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> matches_of(const std::string& wildcard) {
  glob_t found{};
  std::vector<fs::path> paths;
  const int result = ::glob(wildcard.c_str(), 0, nullptr, &found);
  for (std::size_t i = 0; result == 0 && i < found.gl_pathc; ++i) {
    paths.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  if (paths.empty()) throw Error(ErrorCode::io, wildcard + ": no file matches");
  return paths;
}

}  // namespace

bool holds_shards(const fs::path& folder) { return !shards_in(folder).empty(); }

std::vector<fs::path> expand_shards(std::string_view pattern) {
  std::vector<fs::path> shards;
  const auto add = [&](std::vector<fs::path> more) {
    shards.insert(shards.end(), more.begin(), more.end());
  };
  std::error_code ignored;
  for (std::size_t begin = 0; begin <= pattern.size();) {
    const std::size_t end = std::min(pattern.find("::", begin), pattern.size());
    const std::string_view part = pattern.substr(begin, end - begin);
    begin = end + 2;
    // A file may well be called like a pattern.
    const std::vector<std::string> names =
        fs::exists(fs::path(part), ignored) ? std::vector{std::string(part)} : expand_braces(part);
    for (const std::string& name : names) {
      if (fs::is_directory(name, ignored)) {
        const std::vector<fs::path> found = shards_in(name);
        if (found.empty()) throw Error(ErrorCode::io, name + ": there is no *.tar in this folder");
        add(found);
      } else if (name.find_first_of("*?[") != std::string::npos && !fs::exists(name, ignored)) {
        add(matches_of(name));
      } else {
        shards.emplace_back(name);
      }
    }
  }
  return shards;
}

}  // namespace headrace
