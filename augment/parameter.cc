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
  return {std::move(name), std::move(help), ParameterKind::number, value, low, high, {}, 0, {}};
}

Parameter choice(std::string name, std::string help, std::vector<std::string> choices) {
  ParameterValue first = choices.front();
  return {std::move(name),
          std::move(help),
          ParameterKind::choice,
          std::move(first),
          0,
          0,
          std::move(choices),
          0,
          {}};
}

constexpr std::size_t most_channels = 16;

Parameter channel_numbers(std::string name, std::string help, double low, double high) {
  return {std::move(name),
          std::move(help),
          ParameterKind::numbers,
          std::vector<double>{},
          low,
          high,
          {},
          most_channels,
          {}};
}

std::vector<Parameter> make_parameters() {
  std::vector<Parameter> all;
  all.push_back(choice("resize", "how pixels are sampled",
                       {"antialias", "linear", "nearest", "box", "cubic"}));
  for (const Operation& operation : operations()) all.push_back(operation.parameter);
  all.push_back(
      choice("fill_mode", "what lies outside the image",
             {"nearest", "constant", "reflect", "wrap", "mirror", "scipy_constant", "scipy_wrap"}));
  all.push_back(number("fill_value", "level of fill_mode constant", 0, 0, 255));
  all.push_back(number("mask_fill", "class of fill_mode constant in masks", 0, 0, 255));
  all.push_back(choice("pair_operations",
                       "which operations a second image shares: all, or those that move it",
                       {"all", "geometry"}));
  all.push_back(choice("keras", "which version's odd geometry to repeat (keras.h)",
                       {"none", "keras2", "keras3"}));
  all.push_back(number("rescale", "factor that multiplies every value", 1, 1e-9, 1e9));
  all.push_back(choice("mean", "what is subtracted after that", {"none", "pixel", "channel"}));
  all.push_back(choice("std", "which deviation divides after that", {"none", "channel"}));
  all.push_back(flag_parameter("samplewise_center", "subtract each image's own mean"));
  all.push_back(flag_parameter("samplewise_std", "divide by each image's own deviation"));
  all.push_back(flag_parameter("zca_whitening", "decorrelate values, as fitted over all images"));
  all.push_back(
      number("zca_epsilon", "what keeps whitening from dividing by zero", 1e-6, 1e-12, 1));
  all.push_back(
      channel_numbers("channel_mean", "a mean to subtract instead, by channel", -1e9, 1e9));
  all.push_back(
      channel_numbers("channel_std", "deviation to divide by in the end, by channel", 1e-9, 1e9));
  all.push_back(choice("layout", "whether channels lie together by pixel or apart, as planes",
                       {"nhwc", "nchw"}));
  return all;
}

std::string what_fields_would_do(const Parameter& parameter) {
  std::vector<std::string> each;
  for (const NumberField& field : parameter.fields) {
    each.push_back(fmt::format("{} from {} to {} ({} if left out)", field.name, field.low,
                               field.high, field.value));
  }
  return fmt::format("up to {} numbers, separated by commas: {}", each.size(),
                     fmt::join(each, ", "));
}

std::string what_would_do(const Parameter& parameter) {
  switch (parameter.kind) {
    case ParameterKind::flag: return "true or false";
    case ParameterKind::number:
      return fmt::format("a number from {} to {}", parameter.low, parameter.high);
    case ParameterKind::choice: return fmt::format("one of {}", fmt::join(parameter.choices, ", "));
    case ParameterKind::numbers:
      if (!parameter.fields.empty()) return what_fields_would_do(parameter);
      return fmt::format("up to {} numbers from {} to {}, as in 0.5,0.25", parameter.most,
                         parameter.low, parameter.high);
    case ParameterKind::ranges:
      return fmt::format("{}, from {} to {}, the low end first, as in {}",
                         parameter.most == 1 ? "a range" : "one range or two", parameter.low,
                         parameter.high, parameter.most == 1 ? "0.5,1" : "0.5,1 or 0.5,1,0.75,2");
  }
  return {};
}

bool is_within(const Parameter& parameter, double x) {
  return std::isfinite(x) && x >= parameter.low && x <= parameter.high;
}

bool are_within_fields(const Parameter& parameter, const std::vector<double>& values) {
  if (values.size() > parameter.fields.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const NumberField& field = parameter.fields[i];
    if (!(values[i] >= field.low && values[i] <= field.high)) return false;
  }
  return true;
}

bool are_within(const Parameter& parameter, const std::vector<double>& values) {
  if (!parameter.fields.empty()) return are_within_fields(parameter, values);
  for (const double x : values) {
    if (!is_within(parameter, x)) return false;
  }
  if (parameter.kind == ParameterKind::numbers) return values.size() <= parameter.most;
  if (values.size() % 2 != 0 || values.size() > 2 * parameter.most) return false;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    if (values[i] > values[i + 1]) return false;
  }
  return true;
}

[[noreturn]] void refuse(const Parameter& parameter, std::string_view text) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: \"{}\" will not do: give {}", parameter.name, text,
                          what_would_do(parameter)));
}

double parse_number(const Parameter& parameter, std::string_view all, std::string_view text) {
  double parsed = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, parsed);
  if (fault != std::errc{} || stop != end) refuse(parameter, all);
  return parsed;
}

std::vector<double> parse_numbers(const Parameter& parameter, std::string_view text) {
  std::vector<double> values;
  for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    values.push_back(parse_number(parameter, text, text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return values;
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
  } else if (parameter.kind == ParameterKind::number) {
    value = parse_number(parameter, text, text);
  } else {
    value = parse_numbers(parameter, text);
  }
  check_value(parameter, value);
  return value;
}

void check_value(const Parameter& parameter, const ParameterValue& value) {
  bool good = value.index() == parameter.default_value.index();
  if (good && parameter.kind == ParameterKind::number) {
    good = is_within(parameter, std::get<double>(value));
  } else if (good && parameter.kind == ParameterKind::choice) {
    const auto& choices = parameter.choices;
    good = std::find(choices.begin(), choices.end(), std::get<std::string>(value)) != choices.end();
  } else if (good && parameter.kind != ParameterKind::flag) {
    good = are_within(parameter, std::get<std::vector<double>>(value));
  }
  if (!good) refuse(parameter, to_string(value));
}

std::string to_string(const ParameterValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const double* x = std::get_if<double>(&value)) return fmt::format("{}", *x);
  if (const auto* several = std::get_if<std::vector<double>>(&value)) {
    return fmt::format("{}", fmt::join(*several, ","));
  }
  return std::get<std::string>(value);
}

}  // namespace headrace
