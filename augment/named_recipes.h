#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/augment/recipe.h"

namespace headrace {

// Recipes that everyone knows by name.
//   imagenet: random_resized_crop of 8 % to 100 % of the area to 224x224, horizontal_flip,
//   ImageNet's mean and deviation, f32; its for_inference(): short_side 256, centre 224x224.
//   cifar: 32x32, random_crop with 4 black pixels around, horizontal_flip, CIFAR-10's mean and
//   deviation.
//   keras-tutorial: that of "Building powerful image classification models using very little data"
//   (Keras' blog, 2016): 150x150, rotation 40, shifts 0.2, shear 0.2, zoom 0.2, horizontal_flip,
//   rescale 1/255.
const std::vector<std::string>& recipe_names();

// Nothing if there is none of that name.
std::optional<Recipe> find_named_recipe(std::string_view name);

// Throws Error{invalid_argument} naming the known ones.
Recipe named_recipe(std::string_view name);

}  // namespace headrace
