#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headrace {

// How the value of a parameter is written.
enum class ParameterKind {
  flag,     // bool
  number,   // double
  choice,   // std::string, one of a few
  numbers,  // std::vector<double>, separated by commas as text
  ranges,   // the same: a low and a high end, then those of a second range
};

using ParameterValue = std::variant<bool, double, std::string, std::vector<double>>;

// One of several numbers that mean different things.
struct NumberField {
  std::string name;
  double low = 0;
  double high = 0;
  double value = 0;  // if it is left out
};

// One thing a recipe can be told, by one name everywhere: "width_shift" in C++ and in a recipe
// file, --width-shift on a command line.
struct Parameter {
  std::string name;
  std::string help;  // one line, without the name
  ParameterKind kind = ParameterKind::flag;
  ParameterValue default_value = false;  // also: "do nothing"
  double low = 0;                        // a number, and each of several, lies in [low, high]
  double high = 0;
  std::vector<std::string> choices;
  std::size_t most = 0;             // of several numbers, or of ranges; none is "do nothing"
  std::vector<NumberField> fields;  // of numbers that are not alike: each has its own range
};

// All parameters of recipes, in the order in which they take effect. Programs make their options
// from it.
const std::vector<Parameter>& recipe_parameters();

// Throws Error{invalid_argument} naming the known ones.
const Parameter& recipe_parameter(std::string_view name);

// The value that `text` stands for: "0.1", "true", "nearest", "0.08,1". Throws
// Error{invalid_argument} saying what would do.
ParameterValue parse_value(const Parameter& parameter, std::string_view text);

// Throws Error{invalid_argument} if the value is of another kind or out of range, saying what would
// do.
void check_value(const Parameter& parameter, const ParameterValue& value);

std::string to_string(const ParameterValue& value);

}  // namespace headrace
