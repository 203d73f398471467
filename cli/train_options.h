#pragma once

#include <cstdint>
#include <string>

#include "headrace/cli/fitting_options.h"
#include "headrace/cli/gpu_feed.h"
#include "headrace/cli/loading_options.h"
#include "headrace/cli/processes.h"
#include "headrace/cli/recipe_options.h"
#include "headrace/cli/weights_file.h"

namespace headrace::cli {

// What `headrace train` is asked for.
struct TrainOptions {
  std::string data;
  std::string validation;
  double validation_split = 0;
  std::string root;
  std::string image_size;
  RecipeOptions recipe;
  double mixup = 0;  // as MixOptions
  double cutmix = 0;

  std::string model = "mnist_cnn";
  WeightsOptions weights;
  std::int64_t batch_size = 32;
  std::uint64_t epochs = 10;
  FittingOptions fitting;
  std::string last_batch = "keep";
  std::uint64_t seed = 0;

  std::string placement;  // of layers on devices
  int micro_batches = 1;
  int replicas = 1;
  int accumulate = 1;  // parts of a batch
  int threads = 0;
  std::string gpus = "0";
  GpuFeedOptions gpu_feed;
  std::string precision = "f32";
  ProcessOptions processes;
  LoadingOptions loading;

  std::string out;
  bool resume = false;
  bool overwrite = false;
  bool quiet = false;
  bool json = false;
  bool summary = false;
  int classes = 0;  // of a summary without data; 0: as usual

  bool validates() const { return !validation.empty() || validation_split > 0; }

  void add_to(CLI::App& command);
};

}  // namespace headrace::cli
