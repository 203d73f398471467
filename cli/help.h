#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace headrace::cli {

// How help is laid out: names to the left, what they do to the right with the default value in
// brackets, wrapped at 100 columns.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_group(std::string group, bool positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_subcommand(const CLI::App* command) const override;
};

// `text` in lines of at most `width` columns, all but the first indented by `indent`.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace headrace::cli
