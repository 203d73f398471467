#include "headrace/cli/import_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "headrace/cli/common_options.h"
#include "headrace/cli/loading_options.h"
#include "headrace/cli/model_choice.h"
#include "headrace/cli/model_file.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/recipe_options.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/cli/weights_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/checkpoint.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace import --model flowers.keras --class-names roses.txt --rescale 1/255 \\\n"
    "    --out flowers.safetensors\n"
    "  headrace predict --model flowers.safetensors photo.jpg";

struct Options {
  std::string model;
  WeightsOptions weights;
  std::string image_size;
  std::string class_names;
  RecipeOptions recipe;
  std::string background;
  std::string out;
  bool json = false;
};

void add_options(CLI::App& command, Options& options) {
  add_model(command, options.model, "Model");
  command.get_option("--model")->required();
  options.weights.add_to(command, "Model");
  add_image_size(command, options.image_size);
  command
      .add_option("--class-names", options.class_names,
                  "A file with the names of the classes, one a line, in the order of the model's "
                  "outputs; without it they are 0, 1, 2, ...")
      ->type_name("FILE")
      ->group("Data");
  options.recipe.add_to(command);
  add_background(command, options.background, "Data");
  command.add_option("--out", options.out, "The model, such as model.safetensors")
      ->type_name("FILE")
      ->required()
      ->group("Output");
  add_json(command, options.json);
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  if (!file) throw io_error("cannot open " + path, errno);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  if (!lines.empty()) return lines;
  throw Error(ErrorCode::invalid_argument, path + ": there are no names of classes in it");
}

int import_model(const Options& options) {
  const std::string file = options.weights.choice(options.model);
  if (file.empty()) {
    throw Error(ErrorCode::invalid_argument,
                options.model + ": is a model without weights: give them by --weights FILE");
  }
  Checkpoint checkpoint;
  if (!options.class_names.empty()) checkpoint.classes = lines_of(options.class_names);
  checkpoint.graph =
      choose_model(options.model, options.image_size, static_cast<int>(checkpoint.classes.size()));
  const Graph& graph = checkpoint.graph;
  checkpoint.loss = loss_of(graph);
  const Shape& input = graph.shape(0);
  const ImageShape shape{static_cast<int>(input[0]), static_cast<int>(input[1]),
                         static_cast<int>(input[2])};
  const Recipe recipe = options.recipe.recipe(shape, true);
  if (recipe.needs_mean()) {
    throw Error(ErrorCode::invalid_argument,
                "what is fitted over data (--mean, --std, --zca-whitening) cannot be known here: "
                "give the values that the model was trained with (--channel-mean, --channel-std)");
  }
  put_recipe(checkpoint, recipe);
  put_background(checkpoint, options.background);
  const std::int64_t outputs = graph.shape(graph.output()).elements();
  for (auto i = std::ssize(checkpoint.classes); i < outputs; ++i) {
    checkpoint.classes.push_back(std::to_string(i));
  }
  JoinedWeights joined = load_weights(file, graph, 0, options.weights.skip_mismatch);
  for (const std::string& left_out : joined.left_out) warn("left out: " + left_out);
  checkpoint.parameters = std::move(joined.parameters);
  save_checkpoint(options.out, checkpoint);
  if (options.json) {
    const Json json = {{"model", options.out},
                       {"parameters", graph.parameter_count()},
                       {"image_size", to_text(shape)},
                       {"classes", checkpoint.classes}};
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("{}: {} parameters, images of {}, {} classes\n", options.out,
               with_commas(graph.parameter_count()), to_text(shape), checkpoint.classes.size());
  }
  return exit_done;
}

}  // namespace

Command make_import_command(CLI::App& program) {
  Command command;
  command.name = "import";
  command.app = add_command(program, command.name,
                            "Make a model of Keras, with its weights, one that evaluate and "
                            "predict take",
                            example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return import_model(*options); };
  return command;
}

}  // namespace headrace::cli
