#include <csignal>
#include <string>
#include <vector>

#include "headrace/cli/process_clock.h"
#include "headrace/cli/program.h"

int main(int argc, char** argv) {
  headrace::cli::process_age_seconds();
  // A file that grows beyond the limit is an error like a full disk, and not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  return headrace::cli::run_program(std::vector<std::string>(argv + 1, argv + argc));
}
