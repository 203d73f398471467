#include "headrace/augment/named_recipes.h"

#include <fmt/format.h>

#include "headrace/augment/keras.h"
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

Recipe cifar() {
  Recipe recipe({32, 32, 3});
  recipe.set("random_crop", Numbers{4})
      .set("horizontal_flip", true)
      .set("fill_mode", "constant")
      .set("rescale", 1 / 255.0)
      .set("channel_mean", Numbers{0.4914, 0.4822, 0.4465})
      .set("channel_std", Numbers{0.2470, 0.2435, 0.2616});
  return recipe;
}

Recipe keras_tutorial() {
  KerasImageDataGenerator keras;
  keras.rotation_range = 40;
  keras.width_shift_range = 0.2;
  keras.height_shift_range = 0.2;
  keras.shear_range = 0.2;
  keras.zoom_range = 0.2;
  keras.horizontal_flip = true;
  keras.rescale = 1 / 255.0;
  return keras.recipe({150, 150, 3});
}

}  // namespace

const std::vector<std::string>& recipe_names() {
  static const std::vector<std::string> names = {"imagenet", "cifar", "keras-tutorial"};
  return names;
}

std::optional<Recipe> find_named_recipe(std::string_view name) {
  if (name == "imagenet") return imagenet();
  if (name == "cifar") return cifar();
  if (name == "keras-tutorial") return keras_tutorial();
  return std::nullopt;
}

Recipe named_recipe(std::string_view name) {
  if (std::optional<Recipe> recipe = find_named_recipe(name)) return *std::move(recipe);
  throw Error(ErrorCode::invalid_argument, fmt::format("there is no recipe \"{}\"; there are {}",
                                                       name, fmt::join(recipe_names(), ", ")));
}

}  // namespace headrace
