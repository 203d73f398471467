#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "headrace/pipeline/loader.h"
#include "headrace/train/callback.h"
#include "headrace/train/graph.h"
#include "headrace/train/history.h"
#include "headrace/train/loss.h"
#include "headrace/train/optimizer.h"
#include "headrace/train/tensor.h"

namespace headrace {

// Where a training stands: what a resume needs beside the weights.
struct TrainingState {
  Optimizer optimizer;
  std::vector<NamedTensor> optimizer_state;
  std::uint64_t total_steps = 0;
  std::uint64_t seed = 0;
  std::string schedule;   // to_string() of it; empty: there is none
  StreamState stream;     // after the last batch trained
  MetricSums epoch_sums;  // of the epoch under way
  double epoch_seconds = 0;
  History history;  // of the epochs done
  std::map<std::string, CallbackState> callbacks;
};

// A model in a file (model.safetensors), complete: whoever has it needs no other options to
// evaluate it or to predict with it.
struct Checkpoint {
  Graph graph = {};
  Loss loss = {};
  std::vector<NamedTensor> parameters = {};
  std::vector<std::string> classes = {};
  // What the caller keeps with the model, under its own keys: the recipe as JSON, ...
  std::map<std::string, std::string> extra = {};
  std::vector<NamedTensor> extra_tensors = {};  // the mean image, ...
  std::optional<TrainingState> training = {};   // absent: for inference alone
};

// Errors as save_safetensors and load_safetensors; also Error{corrupt_data} if the file is no
// Headrace checkpoint, naming what is missing.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace headrace
