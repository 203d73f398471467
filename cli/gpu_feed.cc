#include "headrace/cli/gpu_feed.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "headrace/augment/device_augmenter.h"
#include "headrace/cli/byte_size.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

const DatasetField* image_of(const DatasetInfo& data) {
  for (const DatasetField& field : data.fields) {
    if (field.kind == FieldKind::encoded_image || field.kind == FieldKind::pixels) return &field;
  }
  return nullptr;
}

}  // namespace

void GpuFeedOptions::add_to(CLI::App& command, const std::string& group) {
  command
      .add_flag("--resident", resident,
                "Keep all images on the GPU, and bring it only what is to become of them: for data "
                "sets of pixels of one size, such as IDX and CIFAR")
      ->group(group);
  command
      .add_option("--pinned", pinned,
                  "Memory for batches that may be pinned, so that the GPU copies from it by itself")
      ->type_name("SIZE")
      ->check([](const std::string& text) {
        return parse_byte_size(text) ? std::string()
                                     : "\"" + text + "\" will not do: give a size, such as 512MiB";
      })
      ->capture_default_str()
      ->group(group);
}

std::shared_ptr<Device> GpuFeedOptions::open(std::optional<int> gpu) const {
  if (!gpu && resident) {
    throw Error(ErrorCode::invalid_argument, "--resident keeps images on a GPU: give --gpus 1 too");
  }
  return gpu ? open_gpu(*gpu) : nullptr;
}

std::shared_ptr<const Augmenter> GpuFeedOptions::make_augmenter(const Recipe& recipe,
                                                                const DatasetInfo& data,
                                                                const Device* device) const {
  const DatasetField* const image = image_of(data);
  const bool moves_targets =
      std::any_of(data.fields.begin(), data.fields.end(),
                  [](const DatasetField& field) { return field.target != FieldTarget::none; });
  if (device == nullptr || image == nullptr || moves_targets) return recipe.make_augmenter();
  try {
    return make_device_augmenter(recipe, *image, resident);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    throw error.with_context("--resident");
  }
}

void GpuFeedOptions::set(LoaderOptions& options, std::shared_ptr<Device> device) const {
  options.device = std::move(device);
  options.pinned_bytes = parse_byte_size(pinned).value_or(0);
}

}  // namespace headrace::cli
