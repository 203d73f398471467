#pragma once

#include <string>

#include "headrace/formats/decode_options.h"
#include "headrace/pipeline/epoch_order.h"
#include "headrace/pipeline/error_policy.h"
#include "headrace/pipeline/shard.h"

namespace CLI {
class App;
}

namespace headrace::cli {

// How images are loaded: the options that all commands which load them have, by the same names and
// in the same words. Values are checked while the command line is read; what they stand for is made
// by Loading.
struct LoadingOptions {
  std::string shuffle = "full";
  std::string on_error = "fail";
  std::string error_budget = "1%";
  std::string error_report;  // a file
  int threads = 0;
  std::string cpus;  // "": all
  int prefetch = 4;
  int io_threads = 8;
  std::string read_ahead = "64MiB";
  std::string memory;  // "": as much as is needed
  std::string cache = "none";
  std::string trace;  // a file
  bool fast_scale = false;
  bool fast_chroma = false;
  std::string background;  // a colour, see parse_background(); "": transparency does not count
  std::string index;       // a file of headrace index
  std::string statistics;  // a folder, "" for the user's, "none" for none

  // What is not the same for all commands.
  struct Wording {
    std::string threads = "--loader-threads";  // what the option of `threads` is called
    // Whether --shuffle and --cache make sense, and --background, which a trained model knows.
    bool many_epochs = true;
    std::string report_default;  // where the report goes without --error-report
  };
  void add_to(CLI::App& command, const Wording& wording);
};

// How the samples of an epoch are ordered, as --shuffle says it: "full", "none", "blocks",
// "blocks:64", "blocks:64x16". Throws Error{invalid_argument} saying what would do; so do those
// below.
struct ShuffleChoice {
  Shuffle shuffle = Shuffle::full;
  BlockShuffle blocks;
};
ShuffleChoice parse_shuffle(const std::string& text);

// "white", "black", "255,240,230" or "#fff0e6".
BackgroundColour parse_background(const std::string& text);
// --background
void add_background(CLI::App& command, std::string& value, const std::string& group);

// "20" or "0.5%".
ErrorBudget parse_error_budget(const std::string& text);

// --on-error, of a command that fails or skips, --error-budget and --error-report, for those that
// load nothing.
struct ErrorOptions {
  std::string on_error = "fail";
  std::string error_budget = "1%";
  std::string error_report;  // a file

  void add_to(CLI::App& command, const std::string& what_becomes);
};
ErrorPolicy parse_error_policy(const std::string& text);  // "fail", "skip" or "blank"

// A rank and the number of ranks: "0/4".
Shard parse_shard(const std::string& text);

// --shard and --shard-mode; `what` is divided.
struct ShardOptions {
  std::string shard = "0/1";
  std::string mode = "uneven";

  void add_to(CLI::App& command, const std::string& what, bool with_mode);
  Shard make() const;
};

}  // namespace headrace::cli
