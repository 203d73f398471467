#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace preview: a contact sheet of what a recipe makes of some images.
Command make_preview_command(CLI::App& program);

// headrace plan: what is drawn for some images, as JSON.
Command make_plan_command(CLI::App& program);

}  // namespace headrace::cli
