#include "headrace/cli/backend_choice.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <numeric>
#include <string_view>

#include "headrace/pipeline/error.h"
#include "headrace/train/process_group.h"

namespace headrace::cli {
namespace {

constexpr int most_gpus = 1024;

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = failed == std::errc() && end == text.data() + text.size();
  return is_whole && value >= 0 && value <= most_gpus ? std::optional(value) : std::nullopt;
}

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("--gpus {}: {}; give a count (4), or a list (0,2 or gpu:2)", text, why));
}

std::string usage_error(const std::string& text, GpusOf whose) {
  try {
    const auto gpus = parse_gpus(text);
    if (whose == GpusOf::processes || gpus.size() <= 1) return {};
    return fmt::format("--gpus {}: this command computes on one GPU", text);
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

std::vector<int> parse_gpus(const std::string& text) {
  constexpr std::string_view prefix = "gpu:";
  const bool is_list = text.find_first_of(",:") != text.npos;
  if (!is_list) {
    const auto count = number_of(text);
    if (!count) refuse(text, "that is no count of GPUs");
    std::vector<int> first(static_cast<std::size_t>(*count));
    std::iota(first.begin(), first.end(), 0);
    return first;
  }
  std::vector<int> gpus;
  for (std::string_view rest = text;;) {
    const std::string_view word = rest.substr(0, rest.find(','));
    const bool is_prefixed = word.substr(0, prefix.size()) == prefix;
    const auto gpu = number_of(is_prefixed ? word.substr(prefix.size()) : word);
    if (!gpu) refuse(text, fmt::format("'{}' is no GPU", word));
    if (std::find(gpus.begin(), gpus.end(), *gpu) != gpus.end()) {
      refuse(text, fmt::format("GPU {} is there twice", *gpu));
    }
    gpus.push_back(*gpu);
    if (word.size() == rest.size()) return gpus;
    rest.remove_prefix(word.size() + 1);
  }
}

void require_gpus(const std::vector<int>& gpus, const GpuDevices& found) {
  if (gpus.empty()) return;
  if (found.devices.empty()) {
    throw Error(ErrorCode::unsupported,
                fmt::format("there is no GPU to compute on ({}): leave --gpus out to train on the "
                            "CPU",
                            found.reason));
  }
  const auto count = static_cast<int>(found.devices.size());
  for (const int gpu : gpus) {
    if (gpu < count) continue;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--gpus: there is no GPU {}: this machine has {} GPU{} to compute on, "
                            "numbered from 0",
                            gpu, count, count == 1 ? "" : "s"));
  }
}

std::optional<int> gpu_of_process(const std::vector<int>& gpus) {
  if (gpus.empty()) return std::nullopt;
  if (gpus.size() == 1) return gpus[0];
  const auto local = static_cast<std::size_t>(launched_local_rank());
  if (local < gpus.size()) return gpus[local];
  throw Error(ErrorCode::invalid_argument,
              fmt::format("--gpus gives {} GPUs, and this is process {} of its machine, counted "
                          "from 0: start as many processes as GPUs",
                          gpus.size(), local));
}

void add_gpus(CLI::App& command, std::string& value, GpusOf whose, const std::string& group) {
  const std::string numbers = "numbered as CUDA_VISIBLE_DEVICES leaves them; 0: the CPU";
  command
      .add_option("--gpus", value,
                  whose == GpusOf::one_process
                      ? "The GPU to compute on: 1, the first, or gpu:2, " + numbers
                      : "GPUs to compute on: how many (4), or which (0,2 or gpu:2), " + numbers +
                            ". With several, each has a process of its own, started here unless a "
                            "launcher has done so")
      ->type_name("GPUS")
      ->check([whose](const std::string& text) { return usage_error(text, whose); })
      ->capture_default_str()
      ->group(group);
}

void add_precision(CLI::App& command, std::string& value, const std::string& group) {
  command
      .add_option("--precision", value,
                  "Of activations, and of what is multiplied: f32, bf16, or tf32, which GPUs "
                  "multiply faster than f32")
      ->type_name("NAME")
      ->check(CLI::IsMember({"f32", "bf16", "tf32"}))
      ->capture_default_str()
      ->group(group);
}

Precision precision_of(const std::string& name) {
  if (name == "bf16") return Precision::bf16;
  return name == "tf32" ? Precision::tf32 : Precision::f32;
}

std::unique_ptr<Backend> choose_backend(std::optional<int> gpu) {
  return gpu ? make_cuda_backend(*gpu) : make_cpu_backend();
}

}  // namespace headrace::cli
