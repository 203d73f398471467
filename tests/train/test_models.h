#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/train/graph.h"

namespace headrace {

// Small models that between them have every layer, odd sizes, strides, both paddings, windows that
// overlap, shared layers, and layers without bias.
struct TestModel {
  std::string name;
  Graph graph;
};
std::vector<TestModel> test_models();

}  // namespace headrace
