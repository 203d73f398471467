#include "headrace/cli/backend_choice.h"

#include <CLI/CLI.hpp>

namespace headrace::cli {

void add_gpus(CLI::App& command, int& value, const std::string& group) {
  command
      .add_option("--gpus", value,
                  "GPUs to compute on: 1, the first that CUDA_VISIBLE_DEVICES leaves; 0: the CPU")
      ->type_name("N")
      ->check(CLI::Range(0, 1))
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

std::unique_ptr<Backend> choose_backend(int gpus) {
  return gpus > 0 ? make_cuda_backend(0) : make_cpu_backend();
}

}  // namespace headrace::cli
