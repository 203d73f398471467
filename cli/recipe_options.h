#pragma once

#include <map>
#include <string>

#include "headrace/augment/recipe.h"
#include "headrace/cli/image_data.h"
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
  // `with_type`: also --type, for commands that can do with other numbers than f32.
  void add_to(CLI::App& command, bool with_type = false);

  // The recipe that the options describe; those on the command line go before those of --recipe.
  // One by name has an output size of its own, which holds unless another `output_is_given`. With
  // --type u8 it loses its normalisation, which cannot be had in whole levels; this is said.
  // Throws Error{invalid_argument} naming the option, or Error{io}.
  Recipe recipe(ImageShape output, bool output_is_given) const;

  // Writes what `recipe` came to into a run's options, in place of what was given.
  void record(const Recipe& recipe, Json& options) const;

 private:
  Recipe without_type(ImageShape output, bool output_is_given) const;

  std::string recipe_;  // a name or a file
  std::string type_ = "f32";
  CLI::Option* type_option_ = nullptr;           // owned by the command
  std::map<std::string, std::string> values_;    // by the parameter's name
  std::map<std::string, CLI::Option*> options_;  // owned by the command
};

}  // namespace headrace::cli
