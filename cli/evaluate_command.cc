#include "headrace/cli/evaluate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "headrace/cli/common_options.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/loading.h"
#include "headrace/cli/model_file.h"
#include "headrace/cli/model_options.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/pipeline/loader.h"

namespace headrace::cli {
namespace {

constexpr const char* example = "  headrace evaluate --model run/model.safetensors --data test.csv";

struct EvaluateOptions {
  ModelOptions model;
  std::string data;
  std::string root;
};

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
  TrainedModel model(options.model.model, options.model.batch_size, options.model.threads);
  const ImageData data =
      open_images(options.data, options.root, model.classes(), loading.decoding());
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
  if (options.model.json) {
    fmt::print("{}\n", result_of(sums, images, seconds.count(), reports).dump());
  } else {
    fmt::print("loss {:.4f}, accuracy {:.4f} on {} images in {}\n", sums.mean_loss(),
               sums.accuracy(), with_commas(images), duration(seconds.count()));
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
  options->model.add_to(*command.app);
  command.run = [options] { return evaluate(*options); };
  return command;
}

}  // namespace headrace::cli
