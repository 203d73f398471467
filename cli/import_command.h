#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace import: a model that Keras has trained, as a checkpoint that evaluate and predict take.
Command make_import_command(CLI::App& program);

}  // namespace headrace::cli
