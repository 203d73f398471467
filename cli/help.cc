#include "headrace/cli/help.h"

#include <fmt/format.h>

namespace headrace::cli {
namespace {

constexpr std::size_t left_width = 32;
constexpr std::size_t right_width = 100 - left_width;

std::string two_columns(const std::string& left, const std::string& right) {
  std::string text = left;
  if (left.size() + 2 > left_width) {
    text += "\n" + std::string(left_width, ' ');
  } else {
    text.append(left_width - left.size(), ' ');
  }
  return text + wrapped(right, right_width, left_width) + "\n";
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string result;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' '), text.size());
    if (column > 0 && column + 1 + length > width) {
      result += "\n" + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result += text.substr(0, length);
    column += length;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return result;
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0 || option->get_type_name().empty()) return "";
  // CLI11 puts the names of checks behind the type's, after a colon.
  const std::string type = option->get_type_name();
  std::string text = " " + type.substr(0, type.find(':'));
  if (option->get_expected_max() > 1) text += " ...";
  return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool positional) const {
  const std::string name = positional ? option->get_name(true) : option->get_name(false, true);
  const std::string left = "  " + name + (positional ? "" : make_option_opts(option));
  std::string right = option->get_description();
  const std::string& value = option->get_default_str();
  if (!value.empty()) right += fmt::format(" [{}]", value);
  if (option->get_required() && !positional) right += " (required)";
  return two_columns(left, right);
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string text = "Usage: " + (name.empty() ? app->get_name() : name);
  const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
  if (!commands.empty()) return text + " COMMAND [options]\n\n";
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional()) continue;
    text += " " + option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
  }
  return text + " [options]\n\n";
}

std::string HelpFormatter::make_group(std::string group, bool positional,
                                      std::vector<const CLI::Option*> options) const {
  std::string text = group + ":\n";
  for (const CLI::Option* option : options) text += make_option(option, positional);
  return positional ? text + "\n" : text;
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return two_columns("  " + command->get_name(), command->get_description());
}

}  // namespace headrace::cli
