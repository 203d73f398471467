#pragma once

#include <filesystem>
#include <string>

namespace headrace::cli {

// The recipe that a file holds, as JSON. In TOML it is `rotation = 20` and so on, an [output] table
// if it says one, and `operations = [{rotation = 20}, {zoom = [0.8, 1.2]}]` where their order is to
// be another than usual; in JSON the same.
// Throws Error{io}, or Error{corrupt_data} naming the line of TOML that is wrong.
std::string read_recipe_file(const std::filesystem::path& path);

}  // namespace headrace::cli
