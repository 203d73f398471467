#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace pack: a data set in one large file, or a few, made for reading at random.
Command make_pack_command(CLI::App& program);

}  // namespace headrace::cli
