#include "headrace/cli/predict_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <numeric>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/csv.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/loading.h"
#include "headrace/cli/model_file.h"
#include "headrace/cli/model_options.h"
#include "headrace/cli/run_record.h"
#include "headrace/formats/file_list.h"
#include "headrace/formats/image_codec.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace predict --model run/model.safetensors cat.jpg dog.png\n"
    "  headrace predict --model run/model.safetensors --top 3 test.csv > predictions.csv\n"
    "prints a row of CSV for each image: path,class,probability.";
constexpr const char* files_name = "command line";

struct PredictOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::string root;
  int top = 1;
};

bool is_image_file(const std::string& path) {
  std::string suffix = std::filesystem::path(path).extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  static constexpr std::string_view suffixes[] = {".jpg", ".jpeg", ".png", ".webp", ".bmp",
                                                  ".tif", ".tiff", ".pbm", ".pgm",  ".ppm"};
  return std::find(std::begin(suffixes), std::end(suffixes), suffix) != std::end(suffixes);
}

// One data set of everything given: image files as a list, or one of the kinds of data sets.
ImageData open_inputs(const PredictOptions& options, const DecodeOptions& decoding) {
  if (options.inputs.size() == 1 && !is_image_file(options.inputs[0]))
    return open_images(options.inputs[0], options.root, {}, decoding);
  std::string list = "path\n";
  for (const std::string& path : options.inputs) {
    if (!is_image_file(path))
      throw Error(ErrorCode::invalid_argument,
                  path + ": is no image file; give several image files, or one list or folder");
    list += csv_field(path, true) + "\n";
  }
  DataOptions data;
  data.root = options.root.empty() ? "." : options.root;
  return {parse_file_list(list, files_name, data), make_image_decoder(decoding)};
}

// "test.csv:812: cats/812.jpg" is cats/812.jpg to a reader of the results.
std::string path_of(const Dataset& dataset, std::int64_t index) {
  return place_of(dataset.key(index), dataset.info().name).path;
}

// The indices of the largest values, largest first.
std::vector<std::size_t> best(std::span<const float> values, std::size_t count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return values[a] != values[b] ? values[a] > values[b] : a < b;
                    });
  order.resize(count);
  return order;
}

std::string class_name(const TrainedModel& model, std::size_t index) {
  return index < model.classes().size() ? model.classes()[index] : std::to_string(index);
}

void print_header(std::size_t top) {
  fmt::print("path,class,probability");
  for (std::size_t rank = 2; rank <= top; ++rank) fmt::print(",class_{0},probability_{0}", rank);
  fmt::print("\n");
}

void print_row(const std::string& path, const TrainedModel& model, std::span<const float> output,
               std::size_t top) {
  std::string row = csv_field(path);
  for (const std::size_t index : best(output, top))
    row += fmt::format(",{},{:.6f}", csv_field(class_name(model, index)), output[index]);
  fmt::print("{}\n", row);
}

Json json_row(const std::string& path, const TrainedModel& model, std::span<const float> output,
              std::size_t top) {
  Json classes = Json::array();
  for (const std::size_t index : best(output, top))
    classes.push_back({{"class", class_name(model, index)}, {"probability", output[index]}});
  return {{"path", path}, {"classes", std::move(classes)}};
}

// Where the rows go: to standard output as they come, or into one JSON object.
class Predictions {
 public:
  Predictions(const PredictOptions& options, const TrainedModel& model)
      : model_(model),
        top_(std::min(static_cast<std::size_t>(options.top), model.outputs())),
        json_(options.model.json) {
    if (!json_) print_header(top_);
  }
  void add(const std::string& path, std::span<const float> output) {
    if (json_) {
      rows_.push_back(json_row(path, model_, output, top_));
    } else {
      print_row(path, model_, output, top_);
    }
  }
  // An image that nothing could be seen in.
  void add_blank(const std::string& path) {
    if (json_) {
      rows_.push_back({{"path", path}, {"classes", Json::array()}});
    } else {
      fmt::print("{}{}\n", csv_field(path), std::string(2 * top_, ','));
    }
  }
  void finish(const std::vector<NamedReport>& reports) {
    if (!json_) return;
    Json result = {{"predictions", std::move(rows_)}, {"errors", bad_images(reports)}};
    if (bad_images(reports) > 0) result["error_report"] = to_json(reports);
    fmt::print("{}\n", result.dump());
  }

 private:
  const TrainedModel& model_;
  std::size_t top_;
  bool json_;
  Json rows_ = Json::array();
};

int predict(const PredictOptions& options) {
  Loading loading(options.model.loading);
  TrainedModel model(options.model.model, options.model.batch_size, options.model.threads,
                     gpu_of_process(parse_gpus(options.model.gpus)));
  const ImageData data = open_inputs(options, model.decoding(loading.decoding()));
  const auto sequence = loading.row_by_row(data, model.recipe());
  LoaderOptions loader_options =
      loading.loader_options(std::min(options.model.batch_size, data.size()));
  loader_options.epochs = 1;
  const auto loader = loading.make_loader(sequence, loader_options);

  const auto outputs = model.outputs();
  const bool leave_out = options.model.loading.on_error == "skip";
  Predictions predictions(options, model);
  std::int64_t index = 0;
  while (const auto batch = loading.guarded([&] { return loader->next(); })) {
    const std::vector<float> all = model.predict(*batch);
    const auto bad = bad_among(sequence->error_report(), index, index + batch->size());
    for (std::span<const float> rest(all); !rest.empty(); rest = rest.subspan(outputs), ++index) {
      const std::string path = path_of(*data.dataset, index);
      if (!std::binary_search(bad.begin(), bad.end(), index)) {
        predictions.add(path, rest.first(outputs));
      } else if (!leave_out) {
        predictions.add_blank(path);
      }
    }
  }
  loading.finish();
  predictions.finish(loading.error_reports());
  return exit_done;
}

}  // namespace

Command make_predict_command(CLI::App& program) {
  Command command;
  command.name = "predict";
  command.app =
      add_command(program, command.name, "Classes and probabilities of images, as CSV", example);
  auto options = std::make_shared<PredictOptions>();
  command.app
      ->add_option("--data,INPUT", options->inputs,
                   "Image files; or a list, a folder, or any other data set")
      ->type_name("PATH")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Data");
  add_root(*command.app, options->root);
  command.app->add_option("--top", options->top, "How many classes for each image")
      ->type_name("K")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group("Output");
  options->model.add_to(*command.app);
  command.run = [options] { return predict(*options); };
  return command;
}

}  // namespace headrace::cli
