#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/train/backend.h"
#include "headrace/train/gpu_devices.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// --gpus. Commands of one process take one GPU; others start a process for each, or are started so.
enum class GpusOf : std::uint8_t { one_process, processes };
void add_gpus(CLI::App& command, std::string& value, GpusOf whose,
              const std::string& group = "Machine");
// The GPUs that are meant, as numbers among those that CUDA_VISIBLE_DEVICES leaves: "4" is a count,
// the first four; "0,2", "gpu:2" and "gpu:0,gpu:2" are those; "0" is none, the CPU.
// Throws Error{invalid_argument} saying what will not do.
std::vector<int> parse_gpus(const std::string& text);
// Throws Error saying which of them are not there.
void require_gpus(const std::vector<int>& gpus, const GpuDevices& found);

// The one of them that this process computes on: of several the one of its number on this machine.
// Nothing: the CPU. Throws Error{invalid_argument} if they are too few.
std::optional<int> gpu_of_process(const std::vector<int>& gpus);

// --precision
void add_precision(CLI::App& command, std::string& value, const std::string& group);
Precision precision_of(const std::string& name);

// On that GPU, or the CPU. Throws Error saying why there is no GPU to compute on.
std::unique_ptr<Backend> choose_backend(std::optional<int> gpu);

}  // namespace headrace::cli
