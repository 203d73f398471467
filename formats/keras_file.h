#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace headrace {

// What Keras keeps of a model in a file. A model or weights in such files may be of any layers: who
// joins them to a model sees to what fits.
struct KerasFile {
  struct Tensor {
    std::string name;  // within the layer, as the file has it: "0", "conv2d/kernel:0"
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  // A layer that has weights, these in Keras' order.
  struct Layer {
    std::string name;  // in the model; empty where the file does not say it
    // Which layer of its class it is: "conv2d", "conv2d_1", ...; empty in legacy files, where
    // layers come in the model's order.
    std::string position;
    std::vector<Tensor> tensors;
  };
  std::string model;  // as model.to_json() has it; empty where there are weights alone
  std::vector<Layer> layers;
};

// Reads what Keras writes, known by its bytes:
//
//   model.keras        by model.save(), of Keras 3
//   model.weights.h5   by model.save_weights(), of Keras 3 and of tf.keras since 2.12
//   model.h5           by model.save() and model.save_weights() in the legacy format
//
// Weights of a Sequential or Functional model; states of an optimizer and of random numbers are
// passed over.
// Throws Error{io}, Error{corrupt_data} or Error{unsupported} naming the file and what is in the
// way, and Error{unsupported} where the plugin headrace_hdf5 is not installed.
KerasFile read_keras_file(const std::filesystem::path& path);

// The model of such a file alone. Throws also Error{unsupported} if it has none.
std::string read_keras_model(const std::filesystem::path& path);

}  // namespace headrace
