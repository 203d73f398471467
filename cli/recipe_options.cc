#include "headrace/cli/recipe_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

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
  if (!file || !(text << file.rdbuf())) throw io_error("cannot read the recipe " + path, errno);
  return text.str();
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
      option->type_name(parameter.kind == ParameterKind::number
                            ? "NUMBER"
                            : fmt::format("{}", fmt::join(parameter.choices, "|")));
      option->default_str(to_string(parameter.default_value));
    }
    option->check([&parameter](const std::string& text) { return fault(parameter, text); });
    option->group(group);
    options_[parameter.name] = option;
  }
  command.add_option("--recipe", file_, "Take these from a recipe file (JSON) instead")
      ->type_name("FILE")
      ->group(group);
}

Recipe RecipeOptions::recipe(ImageShape output) const {
  Recipe recipe(output);
  if (!file_.empty()) {
    const std::string text = read_text(file_);
    try {
      recipe.update_from_json(text);
    } catch (const Error& error) {
      throw error.with_context(file_);
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
    Json& entry = options[option_name(parameter).substr(2)];
    std::visit([&entry](const auto& v) { entry = v; }, value);
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
