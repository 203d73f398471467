#pragma once

#include "headrace/cli/program.h"

namespace headrace::cli {

// headrace doctor: what is wrong with a data set, and what is in it.
Command make_doctor_command(CLI::App& program);

}  // namespace headrace::cli
