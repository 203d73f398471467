#include "headrace/cli/export_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include "headrace/cli/common_options.h"
#include "headrace/cli/error_report.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/loading_options.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/run_record.h"
#include "headrace/cli/terminal.h"
#include "headrace/formats/export_dataset.h"
#include "headrace/formats/hdf5_export.h"
#include "headrace/formats/jpeg.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/subset.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace::cli {
namespace {

constexpr const char* example =
    "  headrace export --data train-images-idx3-ubyte.gz --out demo --list train.csv\n"
    "writes demo/train.csv and the images below demo/images/train/. A second call with the same\n"
    "data keeps what is there; one that was cut short goes on.\n"
    "  headrace export --data train.hpack --out train.h5";

struct Options {
  std::string data;
  std::string root;
  std::string out;
  std::string list = "images.csv";
  ShardOptions shard;
  std::string format = "jpeg";
  int quality = 95;
  bool overwrite = false;
  ErrorOptions errors;
  int threads = 0;
  bool json = false;
};

void add_options(CLI::App& command, Options& options) {
  add_data(command, options.data, "What to export");
  add_root(command, options.root);
  options.shard.add_to(command, "the images in a row, for a list of its own", false);
  command
      .add_option("--out", options.out,
                  "Folder for the list and the images; or an HDF5 file, NAME.h5, for images as "
                  "they are, pixels or files, and labels")
      ->type_name("DIR|FILE")
      ->required()
      ->group("Output");
  command
      .add_option("--list", options.list,
                  "Name of the list in it; its images lie below "
                  "images/ and that name")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Output");
  command
      .add_option("--format", options.format,
                  "Of pixels; files that are images already are "
                  "copied as they are")
      ->type_name("NAME")
      ->check(CLI::IsMember({"jpeg"}))
      ->capture_default_str()
      ->group("Output");
  command.add_option("--quality", options.quality, "Of JPEG")
      ->type_name("1-100")
      ->check(CLI::Range(1, 100))
      ->capture_default_str()
      ->group("Output");
  command.add_flag("--overwrite", options.overwrite, "Replace an HDF5 file that is there")
      ->group("Output");
  options.errors.add_to(command,
                        "What becomes of an image that cannot be read or encoded. fail: the "
                        "command ends; skip: it is left out");
  add_compute_threads(command, options.threads, "encode and write");
  add_json(command, options.json);
}

void print_result(const Options& options, const ExportResult& result,
                  const std::filesystem::path& list, double seconds) {
  const std::vector<NamedReport> reports{{options.data, result.errors, true}};
  const std::string& file = options.errors.error_report;
  if (!file.empty()) write_file(file, to_csv(reports));
  for (const std::string& line : summary(reports, file)) warn(line);
  if (options.json) {
    Json json = {{"list", list.string()}, {"written", result.written},
                 {"kept", result.kept},   {"bytes", result.bytes},
                 {"seconds", seconds},    {"errors", bad_images(reports)}};
    if (bad_images(reports) > 0) json["error_report"] = to_json(reports);
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{}: {} images", list.string(), with_commas(result.written + result.kept));
  if (result.written == 0) {
    fmt::print(", all of them there already\n");
    return;
  }
  fmt::print(", {} written ({:.1f} MB) in {}", with_commas(result.written),
             static_cast<double>(result.bytes) / 1e6, duration(seconds));
  if (result.kept > 0) fmt::print(", {} kept", with_commas(result.kept));
  fmt::print("\n");
}

std::shared_ptr<const Dataset> part_of(std::shared_ptr<const Dataset> dataset, const Shard& shard) {
  if (shard.world_size == 1) return dataset;
  const Share share = share_of(dataset->size(), shard);
  if (share.samples == 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--shard {}/{}: there are only {} images: take fewer ranks", shard.rank,
                            shard.world_size, dataset->size()));
  }
  return std::make_shared<Subset>(std::move(dataset), share.first, share.samples);
}

bool is_hdf5(const std::string& out) { return out.ends_with(".h5") || out.ends_with(".hdf5"); }

// What became of an export to a folder, or to an HDF5 file, as which `work` does it.
template <class Work>
int interruptible(const Interrupt& interrupt, const char* way_out, Work work) {
  try {
    work();
  } catch (const Error& error) {
    if (!interrupt.explains(error)) throw;
    complain(fmt::format("stopped; {}: {}", way_out, error.what()));
    return interrupt.exit_status();
  }
  return exit_done;
}

int export_to_hdf5(const Options& options, const Dataset& dataset) {
  Interrupt interrupt;
  CountReport progress(Terminal::standard_error(), "exporting", dataset.size());
  Hdf5ExportOptions how;
  how.overwrite = options.overwrite;
  how.on_error = parse_error_policy(options.errors.on_error);
  how.error_budget = parse_error_budget(options.errors.error_budget);
  how.stop = &interrupt.requested();
  how.progress = [&progress](std::int64_t done) { progress.update(done); };
  const auto start = std::chrono::steady_clock::now();
  return interruptible(interrupt, "the same command begins anew", [&] {
    const Hdf5ExportResult written = export_hdf5(dataset, options.out, how);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    ExportResult result;
    result.written = written.images;
    result.bytes = written.bytes;
    result.errors = written.errors;
    print_result(options, result, options.out, seconds.count());
  });
}

int export_images(const Options& options) {
  DataOptions data_options;
  data_options.root = options.root;
  const auto dataset = part_of(open_dataset(options.data, data_options), options.shard.make());
  if (is_hdf5(options.out)) return export_to_hdf5(options, *dataset);
  Interrupt interrupt;
  CountReport progress(Terminal::standard_error(), "exporting", dataset->size());
  ExportOptions where;
  where.list = std::filesystem::path(options.out) / options.list;
  where.threads = options.threads;
  where.on_error = parse_error_policy(options.errors.on_error);
  where.error_budget = parse_error_budget(options.errors.error_budget);
  where.encoder_fingerprint = Fingerprint().add(options.format).add(options.quality).value();
  where.stop = &interrupt.requested();
  where.progress = [&progress](std::int64_t done) { progress.update(done); };
  const auto start = std::chrono::steady_clock::now();
  return interruptible(interrupt, "the same command goes on where it was", [&] {
    const ExportResult result = export_dataset(
        *dataset,
        [&options](const ImageView& pixels, std::vector<std::byte>& encoded) {
          encode_jpeg(pixels, options.quality, encoded);
        },
        where);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    print_result(options, result, where.list, seconds.count());
  });
}

}  // namespace

Command make_export_command(CLI::App& program) {
  Command command;
  command.name = "export";
  command.app = add_command(program, command.name,
                            "Write a data set as a tree of images and a list, or as HDF5", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return export_images(*options); };
  return command;
}

}  // namespace headrace::cli
