// Training, evaluating and predicting from arrays in memory.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/train/trainer_impl.h"

namespace headrace {
namespace {

// The model's one input.
const Graph::Node& input_of(const Graph& graph) {
  const auto is_input = [](const Graph::Node& node) { return node.layer < 0; };
  const auto& nodes = graph.nodes();
  if (std::count_if(nodes.begin(), nodes.end(), is_input) != 1) {
    throw Error(ErrorCode::invalid_argument,
                "the model has several inputs: give them by name, by an ArraySequence");
  }
  return *std::find_if(nodes.begin(), nodes.end(), is_input);
}

FieldArray samples_of(const Graph& graph, ArrayView x) {
  const Graph::Node& input = input_of(graph);
  return {input.input_name, x, input.shape.extents()};
}

// Class numbers, or as many values a sample as the model has outputs.
FieldArray labels_of(const Graph& graph, ArrayView y) {
  const Shape& output = graph.shape(graph.output());
  const bool of_classes = y.type() == ElementType::i32;
  return {PlanOptions{}.label_field, y,
          of_classes ? std::vector<std::int64_t>{} : output.extents()};
}

}  // namespace

const History& Trainer::fit(std::shared_ptr<const Sequence> data, const FitOptions& options) {
  Loader loader(std::move(data), {.batch_size = impl_->options.batch_size,
                                  .shard = {.rank = process(), .world_size = processes()}});
  return fit(loader, options);
}

const History& Trainer::fit(ArrayView x, ArrayView y, const FitOptions& options) {
  return fit(
      std::make_shared<ArraySequence>(std::vector{samples_of(graph(), x), labels_of(graph(), y)},
                                      ArraySequenceOptions{.seed = impl_->options.seed}),
      options);
}

MetricSums Trainer::evaluate(ArrayView x, ArrayView y) {
  Loader loader(
      std::make_shared<ArraySequence>(std::vector{samples_of(graph(), x), labels_of(graph(), y)},
                                      ArraySequenceOptions{.shuffle = Shuffle::none}),
      {.batch_size = impl_->options.batch_size,
       .shard = {.rank = process(), .world_size = processes()},
       .epochs = 1});
  return evaluate(loader);
}

std::vector<float> Trainer::predict(ArrayView x) {
  const auto samples = std::make_shared<ArraySequence>(
      std::vector{samples_of(graph(), x)}, ArraySequenceOptions{.shuffle = Shuffle::none});
  Loader loader(samples, {.batch_size = impl_->options.batch_size, .epochs = 1});
  std::vector<float> output;
  while (const auto batch = loader.next()) {
    const std::vector<float> rows = predict(*batch);
    output.insert(output.end(), rows.begin(), rows.end());
  }
  return output;
}

}  // namespace headrace
