#pragma once

#include <memory>
#include <optional>
#include <string>

#include "headrace/augment/recipe.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/device.h"
#include "headrace/pipeline/loader.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// How images come to a GPU: the options of all commands that train from images, beside --gpus.
struct GpuFeedOptions {
  bool resident = false;
  std::string pinned = "4GiB";

  void add_to(CLI::App& command, const std::string& group = "Machine");

  // That GPU, or null for none. Throws Error as open_gpu(), and naming --resident if that
  // is asked for without a GPU.
  std::shared_ptr<Device> open(std::optional<int> gpu) const;
  // The recipe with its work divided between the host and `device`; null leaves all to the host.
  // Throws Error naming --resident if the images cannot stay on a GPU.
  std::shared_ptr<const Augmenter> make_augmenter(const Recipe& recipe, const DatasetInfo& data,
                                                  const Device* device) const;
  void set(LoaderOptions& options, std::shared_ptr<Device> device) const;
};

}  // namespace headrace::cli
