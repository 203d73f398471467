#include "headrace/train/launch_environment.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? std::nullopt : std::optional<std::string>(text);
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(
      ErrorCode::invalid_argument,
      what + ": a process of several is told RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT");
}

std::optional<int> number(const char* name, int least, int most) {
  const auto text = variable(name);
  if (!text) return std::nullopt;
  int value = 0;
  const auto [rest, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (failed != std::errc() || *rest != '\0' || value < least || value > most) {
    refuse(std::string(name) + "=" + *text + " is not a number of " + std::to_string(least) +
           " to " + std::to_string(most));
  }
  return value;
}

}  // namespace

std::optional<LaunchEnvironment> launch_environment() {
  constexpr int most_processes = 1'000'000;
  const auto world_size = number("WORLD_SIZE", 1, most_processes);
  if (!world_size) return std::nullopt;
  LaunchEnvironment found;
  found.world_size = *world_size;
  const auto rank = number("RANK", 0, *world_size - 1);
  if (!rank) refuse("WORLD_SIZE is set, and RANK is not");
  found.rank = *rank;
  found.local_rank = number("LOCAL_RANK", 0, most_processes).value_or(*rank);
  found.master_port = number("MASTER_PORT", 1, 65535).value_or(found.master_port);
  found.master_addr = variable("MASTER_ADDR").value_or("");
  if (found.world_size > 1 && found.master_addr.empty()) {
    refuse("WORLD_SIZE is set, and MASTER_ADDR is not");
  }
  found.launcher_serves = variable("HEADRACE_LAUNCHER").has_value();
  // torchrun listens there itself, in a language of its own.
  const bool taken = variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
  if (taken) ++found.master_port;
  return found;
}

}  // namespace headrace
