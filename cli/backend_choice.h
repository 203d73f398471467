#pragma once

#include <memory>
#include <string>

#include "headrace/train/backend.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// --gpus: how many compute; 0 means the CPU.
void add_gpus(CLI::App& command, int& value, const std::string& group = "Machine");
// --precision
void add_precision(CLI::App& command, std::string& value, const std::string& group);
Precision precision_of(const std::string& name);

// Throws Error saying why there is no GPU to compute on.
std::unique_ptr<Backend> choose_backend(int gpus);

}  // namespace headrace::cli
