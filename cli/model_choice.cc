#include "headrace/cli/model_choice.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iterator>

#include "headrace/cli/image_data.h"
#include "headrace/cli/weights_file.h"
#include "headrace/formats/keras_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/keras_json.h"
#include "headrace/train/layers/activation.h"
#include "headrace/train/models/model_registry.h"
#include "headrace/train/placement.h"

namespace headrace::cli {
namespace {

bool is_file(const std::string& model) { return model.ends_with(".json") || is_keras_file(model); }

std::string wrong_model(const std::string& model) {
  if (is_file(model))
    return std::filesystem::exists(model) ? "" : model + ": there is no such file";
  const std::vector<std::string> names = model_names();
  if (std::find(names.begin(), names.end(), model) != names.end()) return "";
  return fmt::format("{} not in {{{}}}, nor a .json, .keras or .h5 file of Keras", model,
                     fmt::join(names, ","));
}

Shape as_shape(const ImageShape& image) { return {image.height, image.width, image.channels}; }

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("cannot open " + path, errno);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The model, and its only input's shape; what it leaves open is taken from `image`.
Graph read_model(const std::string& path, const ImageShape& image) {
  const std::string text = is_keras_file(path) ? read_keras_model(path) : read_text(path);
  try {
    Graph graph = graph_from_keras_json(text, as_shape(image));
    const auto is_input = [](const Graph::Node& node) { return node.layer < 0; };
    if (std::count_if(graph.nodes().begin(), graph.nodes().end(), is_input) != 1) {
      throw Error(ErrorCode::unsupported,
                  "the model has several inputs; images here have one field");
    }
    if (graph.shape(0).rank() != 3) {
      throw Error(ErrorCode::unsupported,
                  fmt::format("the model takes {}, not images", graph.shape(0).to_string()));
    }
    return graph;
  } catch (const Error& error) {
    throw error.with_context(path);
  }
}

}  // namespace

void add_model(CLI::App& command, std::string& value, const std::string& group) {
  command
      .add_option("--model", value,
                  fmt::format("The model: {}; or a file of Keras: NAME.json that model.to_json() "
                              "has made, or NAME.keras or NAME.h5 of model.save()",
                              fmt::join(model_names(), ", ")))
      ->type_name("MODEL")
      ->check(CLI::Validator(wrong_model, ""))
      ->capture_default_str()
      ->group(group);
}

void add_placement(CLI::App& command, std::string& value, const std::string& rest,
                   const std::string& group) {
  command
      .add_option("--place", value,
                  "Which device computes which layers, at the same time where they do not wait for "
                  "each other: 'LAYER=cpu:1,...'; LAYER is a name, NAME[1] the second use of a "
                  "shared layer, NAME* all that begin so. " +
                      rest)
      ->type_name("MAP")
      ->group(group);
}

ImageShape input_size(const std::string& model, const ImageShape& natural) {
  if (!is_file(model)) return natural;
  const Graph graph = read_model(model, natural);
  const Shape& shape = graph.shape(0);
  return {static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2])};
}

Graph choose_model(const std::string& model, const ImageShape& shape, int classes) {
  if (!is_file(model)) return make_model(model, as_shape(shape), classes);
  Graph graph = read_model(model, shape);
  if (graph.shape(0) != as_shape(shape)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: the model takes images of {}, not of {}", model,
                            graph.shape(0).to_string(), as_shape(shape).to_string()));
  }
  const std::int64_t outputs = graph.shape(graph.output()).elements();
  if (outputs != classes) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{}: the model has {} outputs, but there are {} classes", model,
                            outputs, classes));
  }
  return graph;
}

Graph choose_model(const std::string& model, const std::string& image_size, int classes) {
  if (is_file(model)) {
    ImageShape shape = input_size(
        model, image_size.empty() ? ImageShape{} : parse_image_size(image_size, {0, 0, 3}));
    const Graph graph = read_model(model, shape);
    return classes == 0 ? graph : choose_model(model, shape, classes);
  }
  const ModelUse use = usual_use(model);
  Shape shape = use.input;
  if (!image_size.empty()) {
    const int channels = shape.rank() == 3 ? static_cast<int>(shape[2]) : 1;
    shape = as_shape(parse_image_size(image_size, {0, 0, channels}));
  }
  return make_model(model, shape, classes > 0 ? classes : use.classes);
}

Loss loss_of(const Graph& graph) {
  const Graph::Node& output = graph.nodes().at(static_cast<std::size_t>(graph.output()));
  const auto* const last =
      output.layer < 0 ? nullptr
                       : dynamic_cast<const Activation*>(
                             graph.layers()[static_cast<std::size_t>(output.layer)].layer.get());
  Loss loss;
  loss.from_logits = last == nullptr || last->function() == ActivationKind::linear;
  if (last != nullptr && last->function() == ActivationKind::sigmoid) {
    loss.kind = LossKind::binary_crossentropy;
  }
  return loss;
}

void add_micro_batches(CLI::App& command, int& value) {
  command
      .add_option("--micro-batches", value,
                  "With --place: parts of a batch that follow each other through the devices, so "
                  "that these compute at the same time")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group("Machine");
}

Graph placed(Graph graph, const std::string& placement, int micro_batches) {
  Graph made = place(std::move(graph), placement);
  if (micro_batches == 1 || devices_of(made).size() > 1) return made;
  throw Error(ErrorCode::invalid_argument,
              "--micro-batches is for a model on several devices: put it there by --place");
}

}  // namespace headrace::cli
