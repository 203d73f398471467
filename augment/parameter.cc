#include "headrace/augment/parameter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "headrace/augment/operation.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

Parameter number(std::string name, std::string help, double value, double low, double high) {
  return {std::move(name), std::move(help), ParameterKind::number, value, low, high, {}};
}

Parameter choice(std::string name, std::string help, std::vector<std::string> choices) {
  ParameterValue first = choices.front();
  return {std::move(name),   std::move(help), ParameterKind::choice, std::move(first), 0, 0,
          std::move(choices)};
}

std::vector<Parameter> make_parameters() {
  std::vector<Parameter> all;
  all.push_back(choice("resize", "how pixels are sampled", {"antialias", "linear", "nearest"}));
  for (const Operation& operation : operations()) all.push_back(operation.parameter);
  all.push_back(choice("fill_mode", "what lies outside the image",
                       {"nearest", "constant", "reflect", "wrap"}));
  all.push_back(number("fill_value", "level of fill_mode constant", 0, 0, 255));
  all.push_back(number("rescale", "factor that multiplies every value", 1, 1e-9, 1e9));
  all.push_back(choice("mean", "what is subtracted after that", {"none", "pixel", "channel"}));
  return all;
}

std::string what_would_do(const Parameter& parameter) {
  switch (parameter.kind) {
    case ParameterKind::flag: return "true or false";
    case ParameterKind::number:
      return fmt::format("a number from {} to {}", parameter.low, parameter.high);
    case ParameterKind::choice: return fmt::format("one of {}", fmt::join(parameter.choices, ", "));
  }
  return {};
}

[[noreturn]] void refuse(const Parameter& parameter, std::string_view text) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: \"{}\" will not do: give {}", parameter.name, text,
                          what_would_do(parameter)));
}

}  // namespace

const std::vector<Parameter>& recipe_parameters() {
  static const std::vector<Parameter> all = make_parameters();
  return all;
}

const Parameter& recipe_parameter(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Parameter& parameter : recipe_parameters()) {
    if (parameter.name == name) return parameter;
    known.push_back(parameter.name);
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("recipes have no \"{}\"; they know {}", name, fmt::join(known, ", ")));
}

ParameterValue parse_value(const Parameter& parameter, std::string_view text) {
  ParameterValue value;
  if (parameter.kind == ParameterKind::flag) {
    if (text != "true" && text != "false") refuse(parameter, text);
    value = text == "true";
  } else if (parameter.kind == ParameterKind::choice) {
    value = std::string(text);
  } else {
    double parsed = 0;
    const char* end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, parsed);
    if (fault != std::errc{} || stop != end) refuse(parameter, text);
    value = parsed;
  }
  check_value(parameter, value);
  return value;
}

void check_value(const Parameter& parameter, const ParameterValue& value) {
  bool good = value.index() == parameter.default_value.index();
  if (good && parameter.kind == ParameterKind::number) {
    const double x = std::get<double>(value);
    good = std::isfinite(x) && x >= parameter.low && x <= parameter.high;
  } else if (good && parameter.kind == ParameterKind::choice) {
    const auto& choices = parameter.choices;
    good = std::find(choices.begin(), choices.end(), std::get<std::string>(value)) != choices.end();
  }
  if (!good) refuse(parameter, to_string(value));
}

std::string to_string(const ParameterValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const double* x = std::get_if<double>(&value)) return fmt::format("{}", *x);
  return std::get<std::string>(value);
}

}  // namespace headrace
