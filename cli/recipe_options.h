#pragma once

#include <map>
#include <string>

#include "headrace/augment/recipe.h"
#include "headrace/cli/image_data.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/run_record.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace headrace::cli {

// The options that say what becomes of an image: one for each parameter of recipes
// (--width-shift, --mean, ...), and --recipe for one by name or a file of them.
class RecipeOptions {
 public:
  void add_to(CLI::App& command);

  // The recipe that the options describe; those on the command line go before those of --recipe.
  // One by name has an output size of its own, which holds unless another `output_is_given`.
  // Throws Error{invalid_argument} naming the option, or Error{io}.
  Recipe recipe(ImageShape output, bool output_is_given) const;

  // Writes what `recipe` came to into a run's options, in place of what was given.
  void record(const Recipe& recipe, Json& options) const;

 private:
  std::string recipe_;                           // a name or a file
  std::map<std::string, std::string> values_;    // by the parameter's name
  std::map<std::string, CLI::Option*> options_;  // owned by the command
};

// Gives a recipe the mean that it wants, by one pass over the images, unaugmented. Says so.
// Throws Error{cancelled} when interrupted.
void fit_mean(Recipe& recipe, const ImageData& data, int threads, Interrupt& interrupt);

}  // namespace headrace::cli
