#include "headrace/cli/loading_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "headrace/cli/byte_size.h"
#include "headrace/pipeline/cpu_list.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

[[noreturn]] void refuse(const std::string& text, std::string_view what_would_do) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("\"{}\" will not do: give {}", text, what_would_do));
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc() || rest != end) return std::nullopt;
  return number;
}

// A function that throws Error as a check of CLI11's, which wants what is wrong as text.
template <class Parse>
auto checked(Parse parse) {
  return [parse](const std::string& text) {
    try {
      parse(text);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
}

void check_byte_size(const std::string& text) {
  if (parse_byte_size(text)) return;
  refuse(text, "a size, such as 500MB (500,000,000 bytes), 512MiB or 2GiB");
}

void add_order(CLI::App& command, LoadingOptions& options) {
  command
      .add_option("--shuffle", options.shuffle,
                  "Order of an epoch. full: at random; none: as the data are; blocks:N: at random "
                  "by blocks of N neighbours, 64 of which are mixed (blocks:NxM: M of which), for "
                  "disks that are slow to seek")
      ->type_name("ORDER")
      ->check(checked(parse_shuffle))
      ->capture_default_str()
      ->group("Loader");
}

void add_cache(CLI::App& command, LoadingOptions& options) {
  command
      .add_option("--cache", options.cache,
                  "What to keep in the memory that --memory leaves, of each image as it comes "
                  "first, for as long as they fit. encoded: files as they are; pixels: decoded "
                  "(ten times as much memory, but decoding is saved); samples: as they go into a "
                  "batch, only of recipes that draw nothing")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"none", "encoded", "pixels", "samples"}))
      ->capture_default_str()
      ->group("Loader");
}

void add_error_budget(CLI::App& command, std::string& budget, const std::string& when) {
  command
      .add_option("--error-budget", budget,
                  when +
                      ": how many images may be bad, as a count (20) or a share (0.5%), before "
                      "the command fails after all")
      ->type_name("N|SHARE%")
      ->check(checked(parse_error_budget))
      ->capture_default_str()
      ->group("Damaged images");
}

void add_error_report(CLI::App& command, std::string& file, const std::string& report_default) {
  std::string report = "Write every bad image to a file, as CSV: list, line, path, reason";
  if (!report_default.empty()) report += "; without it, to " + report_default;
  command.add_option("--error-report", file, report)->type_name("FILE")->group("Damaged images");
}

void add_errors(CLI::App& command, LoadingOptions& options, const std::string& report_default) {
  const char* group = "Damaged images";
  command
      .add_option("--on-error", options.on_error,
                  "What becomes of an image that cannot be read, decoded or cropped. fail: the "
                  "command ends; skip: another takes its place, or it is left out where order "
                  "counts; blank: zeros take its place")
      ->type_name("fail|skip|blank")
      ->check(CLI::IsMember({"fail", "skip", "blank"}))
      ->capture_default_str()
      ->group(group);
  add_error_budget(command, options.error_budget, "With skip and blank");
  add_error_report(command, options.error_report, report_default);
}

void add_machine(CLI::App& command, LoadingOptions& options, const std::string& threads) {
  const char* group = "Loader";
  const auto count = CLI::Range(0, 1024);
  command
      .add_option(threads, options.threads,
                  "Threads that decode and augment; 0: one for each core, or for each of --cpus")
      ->type_name("N")
      ->check(count)
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--cpus", options.cpus,
                  "CPUs that these may run on, as taskset has them (0-3,6); without it, those of "
                  "the process")
      ->type_name("LIST")
      ->check(checked(parse_cpu_list))
      ->group(group);
  command.add_option("--prefetch", options.prefetch, "Batches made ahead")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--io-threads", options.io_threads,
                  "Reads that may wait for a disk at the same time, on threads that start when "
                  "one has to; 0: those that decode wait")
      ->type_name("N")
      ->check(count)
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--read-ahead", options.read_ahead,
                  "Bytes of files that those may have read before they are decoded")
      ->type_name("SIZE")
      ->check(checked(check_byte_size))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--memory", options.memory,
                  "Bound of all memory for batches, reading ahead and caches (2GiB, 500MB); "
                  "without it, as much as batches and --read-ahead need")
      ->type_name("SIZE")
      ->check(checked(check_byte_size))
      ->group(group);
  command
      .add_option("--trace", options.trace,
                  "Write what each thread did and when, as JSON for ui.perfetto.dev")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option("--index", options.index,
                  "What headrace index wrote about these JPEG files: crops are decoded without "
                  "reading what lies before them; the same pixels")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option(
          "--statistics", options.statistics,
          "Folder that keeps what was fitted over data (--mean, --std, --zca-whitening) for "
          "later runs on the same data, or none [default: the user's cache]")
      ->type_name("FOLDER")
      ->group(group);
  command
      .add_flag("--fast-scale", options.fast_scale,
                "Decode large JPEG files at the least resolution from which the resize still "
                "shrinks: faster, but pixels differ, by about half a level in the mean. Without "
                "effect beside --cache pixels")
      ->group(group);
  command
      .add_flag("--fast-chroma", options.fast_chroma,
                "Resample the colour of JPEG files as it is stored, mostly at half the resolution, "
                "and make RGB of the result: faster, but pixels differ, by about a quarter of "
                "a level in the mean")
      ->group(group);
}

}  // namespace

void add_background(CLI::App& command, std::string& value, const std::string& group) {
  command
      .add_option("--background", value,
                  "What transparent images are put over: white, black, R,G,B or #rrggbb; without "
                  "it, their colours are taken as they are stored")
      ->type_name("COLOUR")
      ->check(checked(parse_background))
      ->group(group);
}

void LoadingOptions::add_to(CLI::App& command, const Wording& wording) {
  add_machine(command, *this, wording.threads);
  if (wording.many_epochs) {
    add_background(command, background, "Loader");
    add_order(command, *this);
    add_cache(command, *this);
  }
  add_errors(command, *this, wording.report_default);
  command.parse_complete_callback([this] {
    if (fast_chroma && cache == "pixels") {
      throw CLI::ValidationError("--fast-chroma",
                                 "--cache pixels keeps whole pixels, of which all samples are "
                                 "made: leave one of the two out");
    }
    if (cache != "none" && memory.empty()) {
      throw CLI::ValidationError(
          "--cache", cache + " takes the memory that --memory leaves: give --memory SIZE too");
    }
  });
}

ShuffleChoice parse_shuffle(const std::string& text) {
  constexpr std::string_view would_do =
      "full, none, blocks, blocks:64 (images in a block), or blocks:64x16 (and blocks mixed)";
  ShuffleChoice choice;
  if (text == "full") return choice;
  if (text == "none") {
    choice.shuffle = Shuffle::none;
    return choice;
  }
  choice.shuffle = Shuffle::blocks;
  if (text == "blocks") return choice;
  constexpr std::string_view prefix = "blocks:";
  if (text.rfind(prefix, 0) != 0) refuse(text, would_do);
  const std::string_view numbers = std::string_view(text).substr(prefix.size());
  const std::size_t cross = numbers.find('x');
  const auto samples = number_of<std::int64_t>(numbers.substr(0, cross));
  const auto window = cross == std::string_view::npos
                          ? std::optional(choice.blocks.window)
                          : number_of<std::int64_t>(numbers.substr(cross + 1));
  if (!samples || !window || *samples < 1 || *window < 1) refuse(text, would_do);
  choice.blocks = {*samples, *window};
  return choice;
}

BackgroundColour parse_background(const std::string& text) {
  if (text == "white") return {255, 255, 255};
  if (text == "black") return {0, 0, 0};
  unsigned red = 0, green = 0, blue = 0;
  int end = 0;
  const bool hex = std::sscanf(text.c_str(), "#%2x%2x%2x%n", &red, &green, &blue, &end) == 3;
  const bool right =
      hex ? text.size() == 7
          : std::sscanf(text.c_str(), "%3u,%3u,%3u%n", &red, &green, &blue, &end) == 3;
  if (!right || static_cast<std::size_t>(end) != text.size() || std::max({red, green, blue}) > 255)
    refuse(text, "white, black, three levels from 0 to 255 (255,240,230), or #fff0e6");
  return {static_cast<std::uint8_t>(red), static_cast<std::uint8_t>(green),
          static_cast<std::uint8_t>(blue)};
}

ErrorPolicy parse_error_policy(const std::string& text) {
  if (text == "skip") return ErrorPolicy::skip;
  if (text == "blank") return ErrorPolicy::blank;
  if (text == "fail") return ErrorPolicy::fail;
  refuse(text, "fail, skip or blank");
}

void ErrorOptions::add_to(CLI::App& command, const std::string& what_becomes) {
  command.add_option("--on-error", on_error, what_becomes)
      ->type_name("fail|skip")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str()
      ->group("Damaged images");
  add_error_budget(command, error_budget, "With skip");
  add_error_report(command, error_report, "");
}

ErrorBudget parse_error_budget(const std::string& text) {
  constexpr std::string_view would_do =
      "how many images may be bad, such as 20, or their share, such as 0.5%";
  ErrorBudget budget;
  if (!text.empty() && text.back() == '%') {
    const auto percent = number_of<double>(std::string_view(text).substr(0, text.size() - 1));
    if (!percent || !(*percent >= 0 && *percent <= 100)) refuse(text, would_do);
    budget.share = *percent / 100;
    return budget;
  }
  budget.count = number_of<std::int64_t>(text);
  if (!budget.count || *budget.count < 0) refuse(text, would_do);
  return budget;
}

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto rank = number_of<int>(std::string_view(text).substr(0, slash));
  const auto size = slash == std::string::npos
                        ? std::nullopt
                        : number_of<int>(std::string_view(text).substr(slash + 1));
  if (!rank || !size || *size < 1 || *rank < 0 || *rank >= *size)
    refuse(text, "a rank, from 0, and the number of ranks: 0/4, 1/4, 2/4 or 3/4");
  return {*rank, *size, ShardMode::uneven};
}

void ShardOptions::add_to(CLI::App& command, const std::string& what, bool with_mode) {
  const char* group = "Shard";
  command
      .add_option(
          "--shard", shard,
          fmt::format("Take the part of rank R, from 0, of W ranks: their part of {}", what))
      ->type_name("R/W")
      ->check(checked(parse_shard))
      ->capture_default_str()
      ->group(group);
  if (!with_mode) return;
  command
      .add_option("--shard-mode", mode,
                  "Where a batch is no multiple of the ranks. uneven: parts differ by one image; "
                  "pad: one is repeated, and does not count; drop: those that remain at the end of "
                  "an epoch are left out")
      ->type_name("uneven|pad|drop")
      ->check(CLI::IsMember({"uneven", "pad", "drop"}))
      ->capture_default_str()
      ->group(group);
}

Shard ShardOptions::make() const {
  Shard made = parse_shard(shard);
  if (mode == "pad") made.mode = ShardMode::pad;
  if (mode == "drop") made.mode = ShardMode::drop;
  return made;
}

}  // namespace headrace::cli
