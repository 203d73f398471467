#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace index: where the decoding of JPEG files can begin in the middle, in a file of its own.
Command make_index_command(CLI::App& program);

}  // namespace headrace::cli
