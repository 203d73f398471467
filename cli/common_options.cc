#include "headrace/cli/common_options.h"

#include <CLI/CLI.hpp>

namespace headrace::cli {

void add_data(CLI::App& command, std::string& value, const std::string& what) {
  command
      .add_option("--data", value,
                  what +
                      ": a list (.csv, .jsonl), a folder of class folders, shards (.tar), a pack, "
                      "NumPy .npz, IDX files, CIFAR .bin")
      ->type_name("PATH")
      ->required()
      ->group("Data");
}

void add_root(CLI::App& command, std::string& value) {
  command
      .add_option("--root", value,
                  "What the paths in a list are relative to, if not the list's own folder")
      ->type_name("DIR")
      ->group("Data");
}

void add_image_size(CLI::App& command, std::string& value) {
  command
      .add_option("--image-size", value,
                  "Pixels: N, HEIGHTxWIDTH, or with channels HxWxC; without it, the size of a "
                  "recipe by name, or that of the first image")
      ->type_name("SIZE")
      ->group("Data");
}

void add_batch_size(CLI::App& command, std::int64_t& value, const std::string& what,
                    const std::string& group) {
  command.add_option("--batch-size", value, what)
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
}

void add_compute_threads(CLI::App& command, int& value, const std::string& what) {
  command.add_option("--threads", value, "Threads that " + what + "; 0: one for each core")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group("Machine");
}

void add_json(CLI::App& command, bool& value) {
  command.add_flag("--json", value, "The result as one JSON object on standard output")
      ->configurable(false)
      ->group("Output");
}

}  // namespace headrace::cli
