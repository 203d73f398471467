#include "headrace/cli/model_file.h"

#include <algorithm>
#include <thread>

#include "headrace/cli/backend_choice.h"
#include "headrace/cli/loading_options.h"
#include "headrace/cli/weights_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/placement.h"

namespace headrace::cli {
namespace {

constexpr const char* recipe_key = "recipe";
constexpr const char* background_key = "background";
constexpr const char* mean_name = "recipe/mean";
constexpr const char* deviation_name = "recipe/deviation";
constexpr const char* whitening_name = "recipe/whitening";

Checkpoint load(const std::filesystem::path& path) {
  if (is_keras_file(path.string())) {
    throw Error(ErrorCode::unsupported,
                path.string() +
                    ": a model of Keras does not say how images are prepared for it: headrace "
                    "import makes one of it that does");
  }
  Checkpoint checkpoint = load_checkpoint(path);
  checkpoint.training.reset();
  return checkpoint;
}

Recipe inference_recipe(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  try {
    return get_recipe(checkpoint).for_inference();
  } catch (const Error& error) {
    throw error.with_context(path.string());
  }
}

StepInput rows_of(const Batch& batch, std::int64_t first, std::int64_t rows) {
  StepInput input;
  input.batch = &batch;
  input.first = first;
  input.rows = rows;
  input.global_rows = rows;
  return input;
}

}  // namespace

void put_recipe(Checkpoint& checkpoint, const Recipe& recipe) {
  checkpoint.extra[recipe_key] = recipe.to_json();
  std::vector<NamedTensor>& tensors = checkpoint.extra_tensors;
  std::erase_if(tensors, [](const NamedTensor& t) {
    return t.name == mean_name || t.name == deviation_name || t.name == whitening_name;
  });
  const ImageShape& output = recipe.output();
  if (!recipe.mean().empty()) {
    const Shape shape = recipe.mean_kind() == MeanKind::pixel
                            ? Shape{output.height, output.width, output.channels}
                            : Shape{output.channels};
    tensors.push_back({mean_name, shape, recipe.mean()});
  }
  if (!recipe.deviation().empty()) {
    tensors.push_back({deviation_name, Shape{output.channels}, recipe.deviation()});
  }
  if (!recipe.whitening().empty()) {
    const auto elements = static_cast<std::int64_t>(output.elements());
    tensors.push_back({whitening_name, Shape{elements, elements}, recipe.whitening()});
  }
}

Recipe get_recipe(const Checkpoint& checkpoint) {
  const auto text = checkpoint.extra.find(recipe_key);
  if (text == checkpoint.extra.end())
    throw Error(ErrorCode::corrupt_data, "does not say how images are prepared: it has no recipe");
  Recipe recipe = Recipe::from_json(text->second);
  for (const NamedTensor& tensor : checkpoint.extra_tensors) {
    if (tensor.name == mean_name) recipe.set_mean(tensor.values);
    if (tensor.name == deviation_name) recipe.set_deviation(tensor.values);
    if (tensor.name == whitening_name) recipe.set_whitening(tensor.values);
  }
  if (recipe.needs_mean()) throw Error(ErrorCode::corrupt_data, "the recipe's mean is missing");
  return recipe;
}

void put_background(Checkpoint& checkpoint, const std::string& background) {
  if (background.empty()) {
    checkpoint.extra.erase(background_key);
  } else {
    checkpoint.extra[background_key] = background;
  }
}

TrainedModel::TrainedModel(const std::filesystem::path& path, std::int64_t batch_size, int threads,
                           std::optional<int> gpu, const MetricOptions& metrics)
    : checkpoint_(load(path)),
      recipe_(inference_recipe(checkpoint_, path)),
      outputs_(checkpoint_.graph.shape(checkpoint_.graph.output()).elements()),
      backend_(choose_backend(gpu)) {
  PlanOptions options;
  options.batch_size = batch_size;
  options.threads =
      threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.training = false;
  options.loss = checkpoint_.loss;
  options.metrics = metrics;
  // Wherever it was trained.
  plan_ = backend_->compile(without_placement(checkpoint_.graph), options);
  try {
    plan_->set_parameters(checkpoint_.parameters);
  } catch (const Error& error) {
    throw error.with_context(path.string());
  }
}

DecodeOptions TrainedModel::decoding(DecodeOptions options) const {
  const auto background = checkpoint_.extra.find(background_key);
  if (background != checkpoint_.extra.end()) {
    options.background = parse_background(background->second);
  }
  return options;
}

void TrainedModel::evaluate(const Batch& batch, std::int64_t first, std::int64_t rows) {
  if (rows > 0) plan_->evaluate(rows_of(batch, first, rows));
}

std::vector<float> TrainedModel::predict(const Batch& batch) {
  std::vector<float> output(static_cast<std::size_t>(batch.size() * outputs_));
  plan_->predict(rows_of(batch, 0, batch.size()), output);
  return output;
}

}  // namespace headrace::cli
