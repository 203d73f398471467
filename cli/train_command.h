#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace train: a model from data.
Command make_train_command(CLI::App& program);

}  // namespace headrace::cli
