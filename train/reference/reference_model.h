#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "headrace/train/graph.h"
#include "headrace/train/loss.h"
#include "headrace/train/reference/reference_layers.h"
#include "headrace/train/tensor.h"

namespace headrace::reference {

// Images and labels of a step: rows x elements, rows x classes (one-hot or soft).
struct Samples {
  std::int64_t rows = 0;
  Values images;
  Values targets;
};

struct Result {
  MetricSums metrics;
  Values output;                  // of the model, rows x elements
  std::vector<Values> gradients;  // of the mean loss, in the graph's order of parameters
};

// A model in plain double precision: the oracle that backends are tested against. One input.
class Model {
 public:
  explicit Model(const Graph& graph);

  // All parameters, in the graph's order and Keras' layouts.
  std::vector<Values>& parameters() { return parameters_; }
  void set_parameters(std::span<const NamedTensor> tensors);

  // Forward, softmax cross-entropy, backward. With `dropout` as in training.
  Result step(const Samples& samples, const std::optional<DropoutStep>& dropout = {}) const;

 private:
  Use use_of(std::size_t node, std::int64_t rows, const DropoutStep* dropout) const;

  Graph graph_;
  std::vector<Values> parameters_;
  std::vector<std::size_t> first_parameter_;  // of each layer
};

}  // namespace headrace::reference
