#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace headrace {

// The files that a pattern stands for, in order: "train-{000..099}.tar", "{a,b}.tar", several of
// these in one name, and "::" between patterns, as WebDataset writes them; then * ? and [] as in a
// shell, sorted by name; a folder stands for the *.tar in it. Names without any of that are taken
// as they are, there or not. Throws Error{invalid_argument} for braces that make no sense or more
// than 1,000,000 names, Error{io} if a wildcard or folder matches nothing.
std::vector<std::filesystem::path> expand_shards(std::string_view pattern);

// True for a folder with a *.tar directly in it.
bool holds_shards(const std::filesystem::path& folder);

}  // namespace headrace
