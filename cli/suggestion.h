#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace headrace::cli {

// The name that `wrong` most likely stands for, or "" if none is near.
std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names);

// "; did you mean --epochs?", or "" if no name is near.
std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& names);

// The long options of a command, with dashes.
std::vector<std::string> option_names(const CLI::App& command);

}  // namespace headrace::cli
