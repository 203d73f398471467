#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/formats/decode_options.h"
#include "headrace/train/backend.h"
#include "headrace/train/checkpoint.h"

namespace headrace::cli {

// What the program keeps in a checkpoint beside the model: how images are prepared for it.
void put_recipe(Checkpoint& checkpoint, const Recipe& recipe);
// Throws Error{corrupt_data} if the checkpoint has no recipe.
Recipe get_recipe(const Checkpoint& checkpoint);
// And what transparent images are put over, as --background says it; "": nothing.
void put_background(Checkpoint& checkpoint, const std::string& background);

// A checkpoint made ready for use: the model compiled for inference, and its preprocessing.
class TrainedModel {
 public:
  // On the CPU, or on that GPU. Throws Error naming the file.
  TrainedModel(const std::filesystem::path& path, std::int64_t batch_size, int threads,
               std::optional<int> gpu, const MetricOptions& metrics = {});

  const std::vector<std::string>& classes() const { return checkpoint_.classes; }
  const Recipe& recipe() const { return recipe_; }  // nothing random in it
  // How its images are decoded, beside what else is asked for.
  DecodeOptions decoding(DecodeOptions options) const;

  // Adds loss and correct answers over rows [first, first + rows) of the batch to sums().
  void evaluate(const Batch& batch, std::int64_t first, std::int64_t rows);
  MetricSums sums() { return plan_->metrics(); }
  std::size_t outputs() const { return static_cast<std::size_t>(outputs_); }  // of one image
  // Probabilities, batch.size() x outputs().
  std::vector<float> predict(const Batch& batch);

 private:
  Checkpoint checkpoint_;
  Recipe recipe_;
  std::int64_t outputs_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Plan> plan_;
};

}  // namespace headrace::cli
