#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace evaluate: loss and accuracy of a trained model on data.
Command make_evaluate_command(CLI::App& program);

}  // namespace headrace::cli
