#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace headrace {

// How a data set is to be understood, beyond where it lies.
struct DataOptions {
  // What the paths of a list are relative to; empty: the folder of the list.
  std::filesystem::path root = {};
  // The classes that labels must belong to, in the order of their indices, as another data set has
  // them: a validation set takes those of the training set. Names are mapped to these indices;
  // class numbers count in them, unless the classes themselves are named by numbers. Labels outside
  // are errors. Empty: the data set's own classes.
  std::vector<std::string> classes = {};
  // The part of a list to take: rows that say so in their column "split". Empty: all rows.
  std::string split = {};
};

}  // namespace headrace
