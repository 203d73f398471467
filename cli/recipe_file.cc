#include "headrace/cli/recipe_file.h"

#include <fmt/format.h>
#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "headrace/augment/named_recipes.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw io_error(fmt::format("cannot read the recipe {} (those known by name: {})", path.string(),
                               fmt::join(recipe_names(), ", ")),
                   errno);
  }
  return text.str();
}

}  // namespace

std::string read_recipe_file(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  if (path.extension() != ".toml") return text;
  try {
    const toml::table table = toml::parse(text, path.string());
    std::ostringstream json;
    json << toml::json_formatter(table);
    return json.str();
  } catch (const toml::parse_error& fault) {
    throw Error(
        ErrorCode::corrupt_data,
        fmt::format("{}:{}: {}", path.string(), fault.source().begin.line, fault.description()));
  }
}

}  // namespace headrace::cli
