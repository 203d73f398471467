#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/cli/contact_sheet.h"
#include "headrace/pipeline/image_sequence.h"

namespace headrace::cli {

// The range of one operation, shown as a film: many draws, sorted by what varies most in them.

// The recipe with `operation` as its only random one. Throws Error{invalid_argument} if the recipe
// does not have it.
Recipe only_with(const Recipe& recipe, const std::string& operation);

// The epochs whose draws for sample `position` of `sequence` show the range in so many steps: out
// of many, sorted, the first and the last and some evenly between them.
std::vector<std::uint64_t> epochs_over_range(const ImageSequence& sequence, std::int64_t position,
                                             std::size_t steps);

// A page that needs no other file, with a slider: rows of pictures of which one is seen at a time.
std::string range_html(const std::string& title, const std::vector<SheetRow>& rows);

}  // namespace headrace::cli
