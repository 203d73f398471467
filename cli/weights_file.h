#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/formats/keras_file.h"
#include "headrace/train/graph.h"
#include "headrace/train/tensor.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// Weights that a model begins with, instead of random ones.
struct WeightsOptions {
  std::string file;            // "": those of the model's own file, if it has any; "none": none
  bool skip_mismatch = false;  // what does not fit stays random

  // --weights and --skip-mismatch
  void add_to(CLI::App& command, const std::string& group);
  // The file to read; "": none. `model` is what --model says.
  std::string choice(const std::string& model) const;
};

// Whether it is called like a file in which Keras keeps a model with its weights.
bool is_keras_file(const std::string& path);

// All parameters of a model, and what of them a file did not have.
struct JoinedWeights {
  std::vector<NamedTensor> parameters;
  std::vector<std::string> left_out;  // "layer dense has kernel (128, 2), the file's (128, 10)"
  int layers = 0;                     // of the model that the file had weights for
};

// Puts stored weights into a graph that has the same layers. They are found by their layers' names
// if all that one side has are those of the other; else, as Keras finds them, by their places: the
// which of its class a layer is, or, in a legacy file, the which of those that have weights.
// Weights of a layer are taken in Keras' order, and must have their shapes.
// Throws Error{invalid_argument} naming all layers that do not fit, or that one side alone has.
// With `skip_mismatch` they keep random weights of that seed, and are left out.
JoinedWeights join_weights(const Graph& graph, const std::vector<KerasFile::Layer>& stored,
                           std::uint64_t seed, bool skip_mismatch);
// The same of a file: of Keras, or of Headrace (model.safetensors). Throws Error naming it.
JoinedWeights load_weights(const std::string& path, const Graph& graph, std::uint64_t seed,
                           bool skip_mismatch);

}  // namespace headrace::cli
