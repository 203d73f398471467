#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/formats/image_files.h"

namespace headrace {

// Parses a list of one JSON object a line, as file_list.h describes it. Only rows of `split` are
// taken, unless it is empty. Private to formats.
// Throws Error{corrupt_data} "name:line: what is wrong, and what to do".
ImageFileTable parse_json_lines(std::string_view text, const std::string& name,
                                const std::vector<std::string>& expected_classes,
                                const std::string& split);

}  // namespace headrace
