#include "headrace/cli/recipe_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>

#include "headrace/augment/named_recipes.h"
#include "headrace/cli/recipe_file.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

constexpr const char* group = "Augmentation";

std::string option_name(const Parameter& parameter) {
  std::string name = "--" + parameter.name;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// "1/255" is what people mean by 0.00392...
std::string without_fraction(const std::string& text) {
  double above = 0;
  double below = 0;
  int end = 0;
  const int read = std::sscanf(text.c_str(), "%lf/%lf%n", &above, &below, &end);
  const bool fraction = read == 2 && static_cast<std::size_t>(end) == text.size() && below != 0;
  return fraction ? fmt::format("{}", above / below) : text;
}

ParameterValue value_of(const Parameter& parameter, const std::string& text) {
  const bool number = parameter.kind == ParameterKind::number;
  return parse_value(parameter, number ? without_fraction(text) : text);
}

// "" if the text is a value of the parameter, else what is wrong: as CLI11 wants it.
std::string fault(const Parameter& parameter, const std::string& text) {
  try {
    value_of(parameter, text);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string output_json(const ImageShape& shape, const std::string& type) {
  const Json output = {{"height", shape.height},
                       {"width", shape.width},
                       {"channels", shape.channels},
                       {"type", type}};
  return Json{{"output", output}}.dump();
}

// What u8 cannot have.
constexpr const char* normalisation[] = {"rescale",        "mean",         "std",
                                         "channel_mean",   "channel_std",  "samplewise_center",
                                         "samplewise_std", "zca_whitening"};

std::string type_name(const Parameter& parameter) {
  switch (parameter.kind) {
    case ParameterKind::flag: break;
    case ParameterKind::number: return "NUMBER";
    case ParameterKind::choice: return fmt::format("{}", fmt::join(parameter.choices, "|"));
    case ParameterKind::numbers: return "NUMBER,...";
    case ParameterKind::ranges: return "LOW,HIGH,...";
  }
  return {};
}

}  // namespace

void RecipeOptions::add_to(CLI::App& command, bool with_type) {
  for (const Parameter& parameter : recipe_parameters()) {
    std::string& value = values_[parameter.name];
    const std::string name = option_name(parameter);
    const std::string help = capitalised(parameter.help);
    CLI::Option* option = nullptr;
    if (parameter.kind == ParameterKind::flag) {
      option = command.add_flag(name, value, help);
    } else {
      option = command.add_option(name, value, help);
      option->type_name(type_name(parameter));
      option->default_str(to_string(parameter.default_value));
    }
    option->check([&parameter](const std::string& text) { return fault(parameter, text); });
    option->group(group);
    options_[parameter.name] = option;
  }
  command
      .add_option("--recipe", recipe_,
                  fmt::format("Take these from a recipe by name ({}) or from a file (TOML or JSON)",
                              fmt::join(recipe_names(), ", ")))
      ->type_name("NAME|FILE")
      ->group(group);
  if (!with_type) return;
  type_option_ = command.add_option("--type", type_,
                                    "Type of the numbers that images become. u8: levels as they "
                                    "are, without rescale, mean and deviation");
  type_option_->type_name("f32|f16|bf16|u8")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "u8"}))
      ->capture_default_str()
      ->group(group);
}

Recipe RecipeOptions::recipe(ImageShape output, bool output_is_given) const {
  Recipe recipe = without_type(output, output_is_given);
  if (type_option_ == nullptr || type_option_->count() == 0) return recipe;
  recipe.update_from_json(output_json(recipe.output(), type_));
  if (type_ != "u8") return recipe;
  std::vector<std::string> left_out;
  for (const char* name : normalisation) {
    const Parameter& parameter = recipe_parameter(name);
    if (recipe.get(name) == parameter.default_value) continue;
    if (options_.at(name)->count() > 0)
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} cannot be had in whole levels: leave it out, or give --type f32, "
                              "f16 or bf16",
                              option_name(parameter)));
    recipe.set(name, parameter.default_value);
    left_out.push_back(name);
  }
  if (!left_out.empty())
    note(fmt::format("--type u8: without the recipe's {}", fmt::join(left_out, ", ")));
  return recipe;
}

Recipe RecipeOptions::without_type(ImageShape output, bool output_is_given) const {
  Recipe recipe(output);
  if (const std::optional<Recipe> named = find_named_recipe(recipe_)) {
    recipe = *named;
    if (output_is_given)
      recipe.update_from_json(output_json(output, std::string(to_string(recipe.type()))));
  } else if (!recipe_.empty()) {
    const std::string text = read_recipe_file(recipe_);
    try {
      recipe.update_from_json(text);
    } catch (const Error& error) {
      throw error.with_context(recipe_);
    }
  }
  for (const Parameter& parameter : recipe_parameters()) {
    if (options_.at(parameter.name)->count() == 0) continue;
    recipe.set(parameter.name, value_of(parameter, values_.at(parameter.name)));
  }
  return recipe;
}

void RecipeOptions::record(const Recipe& recipe, Json& options) const {
  options.erase("recipe");
  for (const Parameter& parameter : recipe_parameters()) {
    const ParameterValue& value = recipe.get(parameter.name);
    const std::string name = option_name(parameter).substr(2);
    if (const auto* several = std::get_if<std::vector<double>>(&value)) {
      options.erase(name);  // as one text, which is how the option is given
      if (!several->empty()) options[name] = to_string(value);
    } else {
      std::visit([&options, &name](const auto& v) { options[name] = v; }, value);
    }
  }
}

}  // namespace headrace::cli
