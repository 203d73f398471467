#include "headrace/pipeline/cpu_list.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <thread>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
}

// A number that a machine's CPU could have.
int parse_cpu(std::string_view text, std::string_view part) {
  int cpu = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc() || end != text.data() + text.size() || cpu < 0 || cpu >= 1 << 16) {
    refuse("a list of CPUs with \"" + std::string(part) +
           "\": write numbers and ranges, such as 0-3,6");
  }
  return cpu;
}

}  // namespace

std::vector<int> usable_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) {  // over 1,024 of them
    cpus.resize(std::max(1u, std::thread::hardware_concurrency()));
    std::iota(cpus.begin(), cpus.end(), 0);
  }
  return cpus;
}

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    const int first = parse_cpu(part.substr(0, dash), part);
    const int last = dash == part.npos ? first : parse_cpu(part.substr(dash + 1), part);
    if (last < first) {
      refuse("a list of CPUs with \"" + std::string(part) + "\": the range runs backwards");
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return cpus;
}

std::string to_text(const std::vector<int>& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t end = i + 1;
    while (end < cpus.size() && cpus[end] == cpus[end - 1] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(cpus[i]);
    if (end - i > 1) text += "-" + std::to_string(cpus[end - 1]);
    i = end;
  }
  return text;
}

void check_cpu_list(const std::vector<int>& cpus) {
  const std::vector<int> usable = usable_cpus();
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    const auto here = cpus.begin() + static_cast<std::ptrdiff_t>(i);
    if (!std::binary_search(usable.begin(), usable.end(), cpus[i])) {
      refuse("CPU " + std::to_string(cpus[i]) + " is none that this process may run on: it has " +
             to_text(usable));
    }
    if (std::find(cpus.begin(), here, cpus[i]) != here) {
      refuse("CPU " + std::to_string(cpus[i]) + " is listed twice");
    }
  }
}

}  // namespace headrace
