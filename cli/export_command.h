#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace export: a data set as a tree of images and a list.
Command make_export_command(CLI::App& program);

}  // namespace headrace::cli
