#include "headrace/cli/config_file.h"

#include <fmt/format.h>
#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "headrace/cli/suggestion.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || std::filesystem::is_directory(path))
    throw io_error(path.string() + ": cannot read the configuration",
                   std::filesystem::is_directory(path) ? EISDIR : errno);
  text << file.rdbuf();
  return text.str();
}

Error bad_value(const std::filesystem::path& path, std::string_view key) {
  return Error(ErrorCode::corrupt_data,
               fmt::format("{}: \"{}\" is no option: give text, a number, true, false, or a list "
                           "of these",
                           path.string(), key));
}

void add_json(OptionList& options, const std::filesystem::path& path, const std::string& key,
              const nlohmann::json& value) {
  if (value.is_string()) {
    options.emplace_back(key, value.get<std::string>());
  } else if (value.is_number() || value.is_boolean()) {
    options.emplace_back(key, value.dump());
  } else if (value.is_array()) {
    for (const auto& element : value) add_json(options, path, key, element);
  } else {
    throw bad_value(path, key);
  }
}

OptionList read_json(const std::filesystem::path& path, const std::string& text) {
  OptionList options;
  try {
    const nlohmann::json file = nlohmann::json::parse(text);
    const nlohmann::json& given =
        file.is_object() && file.contains("options") ? file["options"] : file;
    if (!given.is_object())
      throw Error(ErrorCode::corrupt_data, path.string() + ": holds no options: it is no object");
    for (const auto& [key, value] : given.items()) add_json(options, path, key, value);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::corrupt_data, fmt::format("{}: {}", path.string(), error.what()));
  }
  return options;
}

void add_toml(OptionList& options, const std::filesystem::path& path, const std::string& key,
              const toml::node& value) {
  if (const auto* list = value.as_array()) {
    for (const auto& element : *list) add_toml(options, path, key, element);
  } else if (const auto* text = value.as_string()) {
    options.emplace_back(key, text->get());
  } else if (const auto* flag = value.as_boolean()) {
    options.emplace_back(key, flag->get() ? "true" : "false");
  } else if (const auto* number = value.as_integer()) {
    options.emplace_back(key, std::to_string(number->get()));
  } else if (const auto* real = value.as_floating_point()) {
    options.emplace_back(key, fmt::format("{}", real->get()));
  } else {
    throw bad_value(path, key);
  }
}

// Tables are the commands' own: "bench loader" is [bench.loader].
const toml::table* table_of(const toml::table& file, const std::string& command) {
  const toml::table* table = &file;
  std::istringstream words(command);
  for (std::string word; words >> word && table != nullptr;) table = (*table)[word].as_table();
  return table;
}

void add_values(OptionList& options, const std::filesystem::path& path, const toml::table& table) {
  for (const auto& [key, value] : table) {
    if (!value.is_table()) add_toml(options, path, std::string(key.str()), value);
  }
}

OptionList read_toml(const std::filesystem::path& path, const std::string& text,
                     const std::string& command) {
  OptionList options;
  try {
    const toml::table file = toml::parse(text, path.string());
    if (const toml::table* own = table_of(file, command)) add_values(options, path, *own);
    OptionList common;
    add_values(common, path, file);
    for (auto& option : common) {
      const bool known = std::any_of(options.begin(), options.end(),
                                     [&](const auto& o) { return o.first == option.first; });
      if (!known) options.push_back(std::move(option));
    }
  } catch (const toml::parse_error& error) {
    throw Error(
        ErrorCode::corrupt_data,
        fmt::format("{}:{}: {}", path.string(), error.source().begin.line, error.description()));
  }
  return options;
}

bool gives(const std::vector<std::string>& arguments, const std::string& option) {
  for (const std::string& argument : arguments) {
    if (argument == "--") return false;
    if (argument == option || argument.rfind(option + "=", 0) == 0) return true;
  }
  return false;
}

}  // namespace

OptionList read_config(const std::filesystem::path& path, const std::string& command) {
  const std::string text = read_text(path);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json =
      path.extension() == ".json" || (first != std::string::npos && text[first] == '{');
  return json ? read_json(path, text) : read_toml(path, text, command);
}

std::string last_value(const std::vector<std::string>& arguments, const std::string& option) {
  std::string value;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    if (arguments[i] == option && i + 1 < arguments.size()) value = arguments[i + 1];
    if (arguments[i].rfind(option + "=", 0) == 0) value = arguments[i].substr(option.size() + 1);
  }
  return value;
}

std::vector<std::string> with_options(const CLI::App& command, const OptionList& options,
                                      const std::string& origin,
                                      const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  for (const auto& [name, value] : options) {
    const std::string flag = "--" + name;
    const CLI::Option* option = command.get_option_no_throw(flag);
    if (option == nullptr || !option->get_configurable()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{}: there is no option \"{}\"{}", origin, name,
                              did_you_mean(flag, option_names(command))));
    }
    if (!gives(arguments, flag)) result.push_back(flag + "=" + value);
  }
  result.insert(result.end(), arguments.begin(), arguments.end());
  return result;
}

std::vector<std::string> with_config(const CLI::App& command, const std::string& command_name,
                                     const std::vector<std::string>& arguments) {
  const std::string path = last_value(arguments, "--config");
  if (path.empty()) return arguments;
  return with_options(command, read_config(path, command_name), path, arguments);
}

}  // namespace headrace::cli
