#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace predict: the classes that a trained model sees in images.
Command make_predict_command(CLI::App& program);

}  // namespace headrace::cli
