#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace headrace::cli {

// What became of a program that was run.
struct ChildResult {
  int exit_status = 0;  // 128 + the signal if one ended it
  std::string output;   // of its standard output
  std::string errors;   // of its standard error
};

// Runs a program, found on the PATH, without a shell, with `input` as its standard input, and
// waits for its end. Each output is cut after 16 MiB.
// Throws Error{io} if it cannot be started ("gnuplot: No such file or directory"), or, after
// killing it, if it is still running when `deadline` has passed.
ChildResult run_child(const std::vector<std::string>& command, std::string_view input,
                      std::chrono::milliseconds deadline);

}  // namespace headrace::cli
