#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace info: what this program is, and what it runs on.
Command make_info_command(CLI::App& program);

}  // namespace headrace::cli
