#include "headrace/cli/process_clock.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

namespace headrace::cli {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Field 22 of /proc/self/stat: ticks since the machine was started, rounded down. The name of the
// program, field 2, may hold anything, but is in parentheses.
std::optional<double> ticks_at_start() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  return ticks;
}

double find_start() {
  const double by_cpu_time = seconds_of(CLOCK_BOOTTIME) - seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const std::optional<double> ticks = ticks_at_start();
  if (!ticks) return by_cpu_time;
  const double tick = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return std::clamp(by_cpu_time, *ticks * tick, (*ticks + 1) * tick);
}

}  // namespace

double process_age_seconds() {
  static const double start = find_start();
  return seconds_of(CLOCK_BOOTTIME) - start;
}

double process_cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace headrace::cli
