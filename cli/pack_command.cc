#include "headrace/cli/pack_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "headrace/cli/byte_size.h"
#include "headrace/cli/common_options.h"
#include "headrace/cli/error_report.h"
#include "headrace/cli/image_resize.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/loading_options.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/pack_writer.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace pack --data train.csv --out train.hpack --verify\n"
    "  headrace train --data train.hpack --recipe imagenet ...\n"
    "Image files stay as they are, byte for byte, unless --resize, --quality or --raw say "
    "otherwise.\n"
    "  headrace pack --data train.csv --resize 256 --raw --out train256.hpack\n"
    "A call that was cut short goes on where it was, if it is made again.";

struct Options {
  std::string data;
  std::string root;
  std::string out;
  std::string resize;
  int quality = 0;
  bool raw = false;
  int channels = 3;
  std::string shard_size;
  bool overwrite = false;
  bool verify = false;
  ErrorOptions errors;
  int threads = 0;
  bool json = false;
};

void add_image_options(CLI::App& command, Options& options) {
  command
      .add_option("--resize", options.resize,
                  "Make images smaller: N pixels for the shorter side, long:N for the longer, both "
                  "in proportion; or HEIGHTxWIDTH. Image files become JPEG, or pixels with --raw")
      ->type_name("SIZE")
      ->check([](const std::string& text) {
        try {
          ImageResize{text};
          return std::string();
        } catch (const Error& error) {
          return std::string(error.what());
        }
      })
      ->group("Images");
  command
      .add_option("--quality", options.quality,
                  "Encode images anew, as JPEG of that quality; 95 if they are resized")
      ->type_name("1-100")
      ->check(CLI::Range(1, 100))
      ->group("Images");
  const auto raw = command
                       .add_flag("--raw", options.raw,
                                 "Keep pixels: for small images, since nothing is left to decode")
                       ->excludes("--quality")
                       ->group("Images");
  command.add_option("--channels", options.channels, "Of --raw: 3 for colour, 1 for grey")
      ->type_name("1|3")
      ->check(CLI::IsMember({1, 3}))
      ->needs(raw)
      ->capture_default_str()
      ->group("Images");
}

void add_options(CLI::App& command, Options& options) {
  add_data(command, options.data, "What to pack");
  add_root(command, options.root);
  add_image_options(command, options);
  command.add_option("--out", options.out, "The pack, such as train.hpack")
      ->type_name("FILE")
      ->required()
      ->group("Output");
  command
      .add_option("--shard-size", options.shard_size,
                  "Cut it into files of at most that size, such as 4GiB: FILE, FILE.001, FILE.002")
      ->type_name("BYTES")
      ->check([](const std::string& text) {
        return parse_byte_size(text) ? std::string() : text + " is no size such as 4GiB";
      })
      ->group("Output");
  command.add_flag("--overwrite", options.overwrite, "Replace a pack that is there")
      ->group("Output");
  command
      .add_flag("--verify", options.verify,
                "Compare every pixel, label and key of the pack with its source, too; also of one "
                "that is there already")
      ->group("Output");
  options.errors.add_to(command,
                        "What becomes of an image that cannot be read. fail: the command ends; "
                        "skip: it is left out");
  add_compute_threads(command, options.threads, "read, decode and write");
  add_json(command, options.json);
}

std::string how_of(const Options& options) {
  std::string how;
  if (!options.resize.empty()) how += "--resize " + options.resize + " ";
  if (options.quality != 0) how += fmt::format("--quality {} ", options.quality);
  if (options.raw) how += fmt::format("--raw --channels {} ", options.channels);
  if (!how.empty()) how.pop_back();
  return how;
}

PackOptions pack_options(const Options& options, const Interrupt& interrupt) {
  PackOptions how;
  how.raw = options.raw;
  how.channels = options.channels;
  how.quality = options.quality;
  if (!options.resize.empty()) {
    const ImageResize resize(options.resize);
    how.resize = resize.resizer();
    how.resize_fingerprint = resize.fingerprint();
  }
  how.how = how_of(options);
  if (!options.shard_size.empty()) how.part_bytes = *parse_byte_size(options.shard_size);
  how.overwrite = options.overwrite;
  how.on_error = parse_error_policy(options.errors.on_error);
  how.error_budget = parse_error_budget(options.errors.error_budget);
  how.threads = options.threads;
  how.stop = &interrupt.requested();
  return how;
}

void print_result(const Options& options, const PackReport& report, double seconds) {
  const std::vector<NamedReport> reports{{options.data, report.errors, true}};
  const std::string& file = options.errors.error_report;
  if (!file.empty()) write_file(file, to_csv(reports));
  for (const std::string& line : summary(reports, file)) warn(line);
  if (options.json) {
    Json json = {
        {"pack", options.out},        {"images", report.records}, {"kept", report.kept},
        {"indexed", report.indexed},  {"bytes", report.bytes},    {"parts", report.parts},
        {"verified", options.verify}, {"seconds", seconds},       {"errors", bad_images(reports)}};
    if (bad_images(reports) > 0) json["error_report"] = to_json(reports);
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{}: {} images ({})", options.out, with_commas(report.records),
             byte_size_text(static_cast<double>(report.bytes)));
  if (report.parts > 1) fmt::print(" in {} files", report.parts);
  if (report.kept == report.records) {
    fmt::print(", all of them there already");
  } else if (report.kept > 0) {
    fmt::print(", {} of an earlier call", with_commas(report.kept));
  }
  if (options.verify) fmt::print(", compared with their source: the same");
  fmt::print(", {}\n", duration(seconds));
}

int pack_images(const Options& options) {
  DataOptions data_options;
  data_options.root = options.root;
  const auto dataset = open_dataset(options.data, data_options);
  Interrupt interrupt;
  PackOptions how = pack_options(options, interrupt);
  const auto start = std::chrono::steady_clock::now();
  try {
    PackReport report;
    {
      CountReport progress(Terminal::standard_error(), "packing", dataset->size());
      how.progress = [&progress](std::int64_t done) { progress.update(done); };
      report = write_pack(*dataset, options.out, how);
    }
    if (options.verify) {
      CountReport progress(Terminal::standard_error(), "comparing", report.records);
      how.progress = [&progress](std::int64_t done) { progress.update(done); };
      verify_pack(*dataset, options.out, how);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    print_result(options, report, seconds.count());
  } catch (const Error& error) {
    if (!interrupt.explains(error)) throw;
    complain(fmt::format("stopped; the same command goes on where it was: {}", error.what()));
    return interrupt.exit_status();
  }
  return exit_done;
}

}  // namespace

Command make_pack_command(CLI::App& program) {
  Command command;
  command.name = "pack";
  command.app = add_command(program, command.name,
                            "Pack a data set into large files made for reading at random", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return pack_images(*options); };
  return command;
}

}  // namespace headrace::cli
