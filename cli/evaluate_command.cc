#include "headrace/cli/evaluate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/csv.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/loading.h"
#include "headrace/cli/model_file.h"
#include "headrace/cli/model_options.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {
namespace {

constexpr const char* example = "  headrace evaluate --model run/model.safetensors --data test.csv";

struct EvaluateOptions {
  ModelOptions model;
  std::string data;
  std::string root;
  int top_k = 0;
  std::string confusion;  // file
};

// A row for each true class, a column for each one that was taken for it.
void write_confusion(const std::filesystem::path& path, const MetricSums& sums,
                     const std::vector<std::string>& classes) {
  const auto width = static_cast<std::size_t>(sums.classes());
  const auto name = [&](std::size_t i) {
    return csv_field(i < classes.size() ? classes[i] : std::to_string(i));
  };
  std::string text = "class";
  for (std::size_t c = 0; c < width; ++c) text += "," + name(c);
  for (std::size_t row = 0; row < width; ++row) {
    text += "\n" + name(row);
    for (std::size_t c = 0; c < width; ++c) {
      text += fmt::format(",{:.0f}", sums.confusion[row * width + c]);
    }
  }
  write_file(path, text + "\n");
}

// Adds the batch to the model's sums, without rows whose images are bad.
void evaluate_usable(TrainedModel& model, const Batch& batch, const ImageSequence& sequence) {
  const std::int64_t begin = batch.begin().sample;
  std::int64_t first = 0;
  for (const std::int64_t bad : bad_among(sequence.error_report(), begin, begin + batch.size())) {
    model.evaluate(batch, first, bad - begin - first);
    first = bad - begin + 1;
  }
  model.evaluate(batch, first, batch.size() - first);
}

Json result_of(const MetricSums& sums, std::int64_t images, double seconds,
               const std::vector<NamedReport>& reports) {
  Json result = {{"loss", sums.mean_loss()},
                 {"accuracy", sums.accuracy()},
                 {"images", images},
                 {"seconds", seconds},
                 {"errors", bad_images(reports)}};
  if (bad_images(reports) > 0) result["error_report"] = to_json(reports);
  return result;
}

int evaluate(const EvaluateOptions& options) {
  Loading loading(options.model.loading);
  MetricOptions metrics;
  metrics.top_k = options.top_k;
  metrics.confusion = !options.confusion.empty();
  TrainedModel model(options.model.model, options.model.batch_size, options.model.threads,
                     gpu_of_process(parse_gpus(options.model.gpus)), metrics);
  const ImageData data =
      open_images(options.data, options.root, model.classes(), model.decoding(loading.decoding()));
  require_labels(data);
  const auto start = std::chrono::steady_clock::now();
  const bool leave_out = options.model.loading.on_error == "skip";
  const auto sequence = loading.row_by_row(data, model.recipe());
  LoaderOptions one_epoch = loading.loader_options(options.model.batch_size);
  one_epoch.epochs = 1;
  const auto loader = loading.make_loader(sequence, one_epoch);
  {
    CountReport progress(Terminal::standard_error(), "evaluating", data.size());
    std::int64_t done = 0;
    while (const auto batch = loading.guarded([&] { return loader->next(); })) {
      if (leave_out) {
        evaluate_usable(model, *batch, *sequence);
      } else {
        model.evaluate(*batch, 0, batch->size());
      }
      progress.update(done += batch->size());
    }
  }
  const MetricSums sums = model.sums();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  loading.finish();
  const std::vector<NamedReport> reports = loading.error_reports();
  const std::int64_t images = data.size() - (leave_out ? bad_images(reports) : 0);
  if (metrics.confusion) write_confusion(options.confusion, sums, model.classes());
  if (options.model.json) {
    Json result = result_of(sums, images, seconds.count(), reports);
    if (options.top_k > 0) result["top_k_accuracy"] = sums.top_k_accuracy();
    fmt::print("{}\n", result.dump());
  } else {
    const std::string top =
        options.top_k > 0 ? fmt::format(", top {} {:.4f}", options.top_k, sums.top_k_accuracy())
                          : "";
    fmt::print("loss {:.4f}, accuracy {:.4f}{} on {} images in {}\n", sums.mean_loss(),
               sums.accuracy(), top, with_commas(images), duration(seconds.count()));
  }
  return exit_done;
}

}  // namespace

Command make_evaluate_command(CLI::App& program) {
  Command command;
  command.name = "evaluate";
  command.app = add_command(program, command.name,
                            "Loss and accuracy of a trained model on labelled images", example);
  auto options = std::make_shared<EvaluateOptions>();
  add_data(*command.app, options->data, "Labelled images, with the model's classes");
  add_root(*command.app, options->root);
  command.app
      ->add_option("--top-k", options->top_k,
                   "Count labels among the so many likeliest classes too")
      ->type_name("K")
      ->check(CLI::Range(1, 1'000'000));
  command.app
      ->add_option("--confusion", options->confusion,
                   "Write which classes were taken for which, as CSV")
      ->type_name("FILE");
  options->model.add_to(*command.app);
  command.run = [options] { return evaluate(*options); };
  return command;
}

}  // namespace headrace::cli
