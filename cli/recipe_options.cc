#include "headrace/cli/recipe_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "headrace/augment/named_recipes.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_statistics.h"

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

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw io_error(fmt::format("cannot read the recipe {} (those known by name: {})", path,
                               fmt::join(recipe_names(), ", ")),
                   errno);
  }
  return text.str();
}

std::string output_json(const ImageShape& shape) {
  const Json size = {
      {"height", shape.height}, {"width", shape.width}, {"channels", shape.channels}};
  return Json{{"output", size}}.dump();
}

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

void RecipeOptions::add_to(CLI::App& command) {
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
                  fmt::format("Take these from a recipe by name ({}) or from a file (JSON)",
                              fmt::join(recipe_names(), ", ")))
      ->type_name("NAME|FILE")
      ->group(group);
}

Recipe RecipeOptions::recipe(ImageShape output, bool output_is_given) const {
  Recipe recipe(output);
  if (const std::optional<Recipe> named = find_named_recipe(recipe_)) {
    recipe = *named;
    if (output_is_given) recipe.update_from_json(output_json(output));
  } else if (!recipe_.empty()) {
    const std::string text = read_text(recipe_);
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

void fit_mean(Recipe& recipe, const ImageData& data, int threads, Interrupt& interrupt) {
  if (!recipe.needs_mean()) return;
  note(fmt::format("computing the mean of {} images, unaugmented, in one pass",
                   with_commas(data.size())));
  LoaderOptions options;
  options.batch_size = std::min<std::int64_t>(256, data.size());
  options.threads = threads;
  options.epochs = 1;
  ImageSequenceOptions in_order;
  in_order.shuffle = Shuffle::none;
  Loader loader(make_sequence(data, recipe.unaugmented(), in_order), options);
  const Interrupt::Action cancel(interrupt, [&loader] { loader.cancel(); });
  recipe.set_mean(fit_statistics(loader));
}

}  // namespace headrace::cli
