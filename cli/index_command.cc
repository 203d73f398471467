#include "headrace/cli/index_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "headrace/cli/common_options.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/seek_index.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace index --data train.csv --out train.seek\n"
    "  headrace train --data train.csv --recipe imagenet --index train.seek ...\n"
    "Images stay as they are. A second call with the same file reads those that are new or have\n"
    "changed and leaves out what is gone.";

struct Options {
  std::string data;
  std::string root;
  std::string out;
  int threads = 0;
  bool json = false;
};

void add_options(CLI::App& command, Options& options) {
  add_data(command, options.data, "Whose images to index");
  add_root(command, options.root);
  command.add_option("--out", options.out, "The index, about 1 KB an image")
      ->type_name("FILE")
      ->required()
      ->group("Output");
  add_compute_threads(command, options.threads, "read and decode");
  add_json(command, options.json);
}

void print_result(const Options& options, const SeekIndexReport& report, double seconds) {
  if (options.json) {
    const Json json = {{"index", options.out},  {"images", report.indexed},
                       {"known", report.known}, {"others", report.others},
                       {"bytes", report.bytes}, {"seconds", seconds}};
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{}: {} images ({:.1f} MB) in {}", options.out, with_commas(report.indexed),
             static_cast<double>(report.bytes) / 1e6, duration(seconds));
  if (report.known > 0) fmt::print(", {} known before", with_commas(report.known));
  fmt::print("\n");
  if (report.others > 0) {
    fmt::print("{} others are no baseline JPEG files, or damaged: decoded as without an index\n",
               with_commas(report.others));
  }
}

// What is there is taken over: what cannot be read is no such file, or of no use, and which of the
// two is for the user to say.
std::shared_ptr<const SeekIndex> open_known(const std::string& path) {
  try {
    return SeekIndex::open(path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt_data) throw;
    std::string what = error.what();
    what = what.substr(0, what.rfind(": "));
    throw Error(error.code(), "--out " + what + ": delete it to have a new one made in its place");
  }
}

int index_images(const Options& options) {
  DataOptions data_options;
  data_options.root = options.root;
  const auto dataset = open_dataset(options.data, data_options);
  std::shared_ptr<const SeekIndex> known;
  if (std::filesystem::exists(options.out)) known = open_known(options.out);
  Interrupt interrupt;
  CountReport progress(Terminal::standard_error(), "indexing", dataset->size());
  SeekIndexOptions how;
  how.known = known.get();
  how.threads = options.threads;
  how.stop = &interrupt.requested();
  how.progress = [&progress](std::int64_t done) { progress.update(done); };
  const auto start = std::chrono::steady_clock::now();
  try {
    const SeekIndexReport report = write_seek_index(*dataset, options.out, how);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    print_result(options, report, seconds.count());
  } catch (const Error& error) {
    if (!interrupt.explains(error)) throw;
    complain(fmt::format("stopped: {}", error.what()));
    return interrupt.exit_status();
  }
  return exit_done;
}

}  // namespace

Command make_index_command(CLI::App& program) {
  Command command;
  command.name = "index";
  command.app =
      add_command(program, command.name,
                  "Note where in JPEG files decoding can begin, so crops cost less", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return index_images(*options); };
  return command;
}

}  // namespace headrace::cli
