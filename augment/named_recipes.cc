#include "headrace/augment/named_recipes.h"

#include <fmt/format.h>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using Numbers = std::vector<double>;

Recipe imagenet() {
  Recipe recipe({224, 224, 3});
  recipe.set("random_resized_crop", Numbers{0.08, 1})
      .set("horizontal_flip", true)
      .set("rescale", 1 / 255.0)
      .set("channel_mean", Numbers{0.485, 0.456, 0.406})
      .set("channel_std", Numbers{0.229, 0.224, 0.225});
  return recipe;
}

}  // namespace

const std::vector<std::string>& recipe_names() {
  static const std::vector<std::string> names = {"imagenet"};
  return names;
}

std::optional<Recipe> find_named_recipe(std::string_view name) {
  if (name == "imagenet") return imagenet();
  return std::nullopt;
}

Recipe named_recipe(std::string_view name) {
  if (std::optional<Recipe> recipe = find_named_recipe(name)) return *std::move(recipe);
  throw Error(ErrorCode::invalid_argument, fmt::format("there is no recipe \"{}\"; there are {}",
                                                       name, fmt::join(recipe_names(), ", ")));
}

}  // namespace headrace
