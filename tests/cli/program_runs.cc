#include "program_runs.h"

#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "headrace/cli/child_process.h"
#include "headrace/pipeline/rng.h"

namespace headrace::cli {
namespace {

constexpr auto deadline = std::chrono::seconds(110);

void put_big_endian(std::string& text, int value) {
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

Outcome headrace(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), HEADRACE_PROGRAM);
  const ChildResult result = run_child(arguments, "", deadline);
  return {result.exit_status, result.output, result.errors};
}

Outcome bash(const std::string& script) {
  const std::string text = "headrace='" HEADRACE_PROGRAM "'\n" + script;
  const ChildResult result = run_child({"bash", "-c", text}, "", deadline);
  return {result.exit_status, result.output, result.errors};
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::filesystem::path write_idx(const std::filesystem::path& folder, const std::string& name,
                                int images, int height, int width) {
  std::string pixels("\0\0\x08\x03", 4);
  std::string labels("\0\0\x08\x01", 4);
  put_big_endian(pixels, images);
  put_big_endian(pixels, height);
  put_big_endian(pixels, width);
  put_big_endian(labels, images);
  Rng rng(stream_id(name), 0);
  for (int image = 0; image < images; ++image) {
    const int label = image % 2;
    const int bar =
        static_cast<int>(rng.below(static_cast<std::uint64_t>(label == 0 ? height : width)));
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const int light = (label == 0 ? y : x) == bar ? 200 : 20;
        pixels += static_cast<char>(light + static_cast<int>(rng.below(40)));
      }
    }
    labels += static_cast<char>(label);
  }
  const auto path = folder / (name + "-images-idx3-ubyte");
  write_text(path, pixels);
  write_text(folder / (name + "-labels-idx1-ubyte"), labels);
  return path;
}

ProgramTest::ProgramTest() {
  std::string name = testing::TempDir() + "headrace_program_XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder " + name);
  folder_ = name;
  // What runs keep for later ones (kept_statistics.h).
  ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
}

ProgramTest::~ProgramTest() {
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
}

void ProgramTest::export_images() {
  const std::pair<std::string, int> sets[] = {{"train", 200}, {"test", 60}};
  for (const auto& [name, count] : sets) {
    const Outcome outcome = headrace({"export", "--data", write_idx(folder_, name, count).string(),
                                      "--out", folder_.string(), "--list", name + ".csv"});
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
  }
}

Outcome ProgramTest::train(const std::string& name, int epochs,
                           const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train",
                                        "--data",
                                        path("train.csv"),
                                        "--val",
                                        path("test.csv"),
                                        "--epochs",
                                        std::to_string(epochs),
                                        "--batch-size",
                                        "32",
                                        "--rescale",
                                        "0.01",
                                        "--mean",
                                        "pixel",
                                        "--width-shift",
                                        "0.1",
                                        "--out",
                                        path(name)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return headrace(std::move(arguments));
}

}  // namespace headrace::cli
