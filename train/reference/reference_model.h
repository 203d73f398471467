#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "headrace/train/graph.h"
#include "headrace/train/loss.h"
#include "headrace/train/optimizer.h"
#include "headrace/train/reference/reference_layers.h"
#include "headrace/train/tensor.h"

namespace headrace::reference {

// What a step works on, in the order of the graph's inputs: rows x elements each; and the labels,
// as many as the output has elements (classes: one-hot or soft).
struct Samples {
  std::int64_t rows = 0;
  std::vector<Values> inputs;
  Values targets;
};

struct Result {
  MetricSums metrics;
  Values output;                  // of the model, rows x elements
  std::vector<Values> gradients;  // of the mean loss, in the graph's order of parameters
  // What training makes of the parameters that no gradient trains: moving statistics. Empty for
  // all others, and for all without training.
  std::vector<Values> moved;
};

// A model in plain double precision: the oracle that backends are tested against.
class Model {
 public:
  explicit Model(const Graph& graph, const Loss& loss = {});

  // All parameters, in the graph's order and Keras' layouts.
  std::vector<Values>& parameters() { return parameters_; }
  const std::vector<Values>& parameters() const { return parameters_; }
  void set_parameters(std::span<const NamedTensor> tensors);

  // Forward, loss, backward; as in training, with that step's dropout, if `training` is given.
  // The rows are cut as `replicas` share them; each one computes its own, and their gradients and,
  // where batch normalisation is synchronised, its sums, are added up in their order.
  Result step(const Samples& samples, const std::optional<DropoutStep>& training = {},
              int replicas = 1) const;

  // What an update makes of a step: the optimizer's step `t`, counted from 1, and what was moved.
  void update(const Optimizer& optimizer, int t, const Result& result);

 private:
  friend class Step;

  Graph graph_;
  Loss loss_;
  std::vector<Values> parameters_;
  std::vector<bool> trainable_;
  std::vector<std::string> names_;
  std::vector<std::size_t> first_parameter_;  // of each layer
  std::vector<std::vector<Values>> slots_;    // of the optimizer, for each parameter
};

}  // namespace headrace::reference
