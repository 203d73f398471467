#include "headrace/cli/doctor_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <memory>

#include "headrace/cli/common_options.h"
#include "headrace/cli/doctor_page.h"
#include "headrace/cli/doctor_report.h"
#include "headrace/cli/interrupt.h"
#include "headrace/cli/progress.h"
#include "headrace/cli/terminal.h"
#include "headrace/formats/doctor.h"
#include "headrace/formats/manifest.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/pipeline/atomic_file.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* example =
    "  headrace doctor --data train.csv --html train.html --manifest train.manifest\n"
    "  headrace train --data train.manifest ...\n"
    "trains on the images of train.csv without those that cannot be used. With --manifest, a call\n"
    "that was cut short goes on where it was, if it is made again.";

struct Options {
  std::string data;
  std::string root;
  std::string html;
  std::string manifest;
  std::string leave_out;
  int least_side = 8;
  double most_ratio = 10;
  double most_megapixels = 100;
  int threads = 0;
  bool json = false;
};

std::string check_findings(const std::string& text) {
  if (parse_findings(text)) return {};
  std::string names;
  for (const FindingName& known : finding_names()) {
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return text + " is none of what can be found: " + names;
}

void add_options(CLI::App& command, Options& options) {
  add_data(command, options.data, "What to look through");
  add_root(command, options.root);
  command.add_option("--least-side", options.least_side, "Sides of fewer pixels are odd")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Odd sizes");
  command
      .add_option("--most-ratio", options.most_ratio,
                  "Sides of which one is longer by more are odd")
      ->type_name("X")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str()
      ->group("Odd sizes");
  command.add_option("--most-megapixels", options.most_megapixels, "Larger images are odd")
      ->type_name("X")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str()
      ->group("Odd sizes");
  command.add_option("--html", options.html, "A page with thumbnails and histograms")
      ->type_name("FILE")
      ->group("Output");
  command
      .add_option("--manifest", options.manifest,
                  "What was found out about each image, in lines of text; as --data of other "
                  "commands, the images that can be used")
      ->type_name("FILE")
      ->group("Output");
  command
      .add_option("--leave-out", options.leave_out,
                  "What else the manifest leaves out, such as duplicate,near-duplicate,two-labels")
      ->type_name("NAMES")
      ->check(check_findings)
      ->needs("--manifest")
      ->group("Output");
  add_compute_threads(command, options.threads, "read and decode");
  add_json(command, options.json);
}

// A path as the manifest's reader will take it: relative to the manifest.
std::string seen_from(const fs::path& manifest, const std::string& path) {
  const bool has_prefix = path.find(':') != std::string::npos;
  if (path.empty() || has_prefix || fs::path(path).is_absolute()) return path;
  const fs::path folder = manifest.has_parent_path() ? manifest.parent_path() : fs::path(".");
  return fs::proximate(path, folder).string();
}

void write_manifest(const Options& options, const Dataset& dataset, DoctorResult& result) {
  ManifestHead head;
  head.data = seen_from(options.manifest, options.data);
  head.root = seen_from(options.manifest, options.root);
  head.fingerprint = dataset.fingerprint();
  head.records = dataset.size();
  head.left_out = result.report.with(unusable | parse_findings(options.leave_out).value_or(0));
  AtomicFile file(options.manifest);
  file.write(manifest_head(head));
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const auto message = result.report.messages.find(i);
    file.write(manifest_row(i, result.report.facts[static_cast<std::size_t>(i)], dataset.key(i),
                            message == result.report.messages.end()
                                ? std::string_view()
                                : std::string_view(message->second)));
    file.write("\n");
  }
  file.commit();
  result.manifest = options.manifest;
  result.left_out = static_cast<std::int64_t>(head.left_out.size());
}

int examine(const Options& options) {
  DataOptions data_options;
  data_options.root = options.root;
  const auto dataset = open_dataset(options.data, data_options);
  Interrupt interrupt;
  DoctorOptions how;
  how.least_side = options.least_side;
  how.most_ratio = options.most_ratio;
  how.most_pixels = static_cast<std::int64_t>(options.most_megapixels * 1e6);
  how.threads = options.threads;
  if (!options.manifest.empty()) how.notes = options.manifest + ".partial";
  how.stop = &interrupt.requested();
  const auto start = std::chrono::steady_clock::now();
  DoctorResult result;
  result.data = options.data;
  result.dataset = dataset.get();
  try {
    CountReport progress(Terminal::standard_error(), "looking through", dataset->size());
    how.progress = [&progress](std::int64_t done) { progress.update(done); };
    result.report = examine_dataset(*dataset, how);
  } catch (const Error& error) {
    if (!interrupt.explains(error)) throw;
    complain(fmt::format("stopped{}: {}",
                         how.notes.empty() ? "" : "; the same command goes on where it was",
                         error.what()));
    return interrupt.exit_status();
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  result.seconds = seconds.count();
  if (!options.manifest.empty()) {
    write_manifest(options, *dataset, result);
    std::error_code none;
    fs::remove(how.notes, none);
  }
  if (!options.html.empty()) write_file(options.html, doctor_page(result));
  fmt::print("{}", options.json ? doctor_json(result).dump() + "\n" : doctor_text(result));
  return exit_done;
}

}  // namespace

Command make_doctor_command(CLI::App& program) {
  Command command;
  command.name = "doctor";
  command.app = add_command(program, command.name,
                            "Look through a data set for what is wrong or odd in it", example);
  auto options = std::make_shared<Options>();
  add_options(*command.app, *options);
  command.run = [options] { return examine(*options); };
  return command;
}

}  // namespace headrace::cli
