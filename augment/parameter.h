#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headrace {

// How the value of a parameter is written.
enum class ParameterKind {
  flag,    // bool
  number,  // double
  choice,  // std::string, one of a few
};

using ParameterValue = std::variant<bool, double, std::string>;

// One thing a recipe can be told, by one name everywhere: "width_shift" in C++ and in a recipe
// file, --width-shift on a command line.
struct Parameter {
  std::string name;
  std::string help;  // one line, without the name
  ParameterKind kind = ParameterKind::flag;
  ParameterValue default_value = false;  // also: "do nothing"
  double low = 0;                        // a number lies in [low, high]
  double high = 0;
  std::vector<std::string> choices;
};

// All parameters of recipes, in the order in which they take effect. Programs make their options
// from it.
const std::vector<Parameter>& recipe_parameters();

// Throws Error{invalid_argument} naming the known ones.
const Parameter& recipe_parameter(std::string_view name);

// The value that `text` stands for: "0.1", "true", "nearest". Throws Error{invalid_argument} saying
// what would do.
ParameterValue parse_value(const Parameter& parameter, std::string_view text);

// Throws Error{invalid_argument} if the value is of another kind or out of range, saying what would
// do.
void check_value(const Parameter& parameter, const ParameterValue& value);

std::string to_string(const ParameterValue& value);

}  // namespace headrace
