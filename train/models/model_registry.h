#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/train/graph.h"

namespace headrace {

// A model by its name, for images {height, width, channels} of `classes` classes, or for what its
// header says. A new one is one file pair in models/ and one line in model_registry.cc.
// Throws Error{invalid_argument} listing the names there are, or if the input is too small.
Graph make_model(std::string_view name, const Shape& input, int classes);

std::vector<std::string> model_names();

// What a model was first made for.
struct ModelUse {
  Shape input;
  int classes = 0;
};
// Throws Error{invalid_argument} listing the names there are.
ModelUse usual_use(std::string_view name);

}  // namespace headrace
