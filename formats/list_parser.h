#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "headrace/formats/image_files.h"

namespace headrace {

// Parses the text of a list, as file_list.h describes it. The table keeps the text. Only rows of
// `split` are taken, unless it is empty.
// Throws Error{corrupt_data} "name:line: what is wrong, and what to do".
ImageFileTable parse_list(std::vector<std::byte> text, const std::string& name,
                          const std::vector<std::string>& expected_classes,
                          const std::string& split = {});

}  // namespace headrace
