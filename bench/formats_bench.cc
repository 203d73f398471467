// How fast data sets are opened and files are read.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "headrace/formats/file_list.h"
#include "headrace/formats/file_reader.h"
#include "headrace/formats/image_files.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

class BenchFolder {
 public:
  BenchFolder() {
    std::string name = (fs::temp_directory_path() / "headrace-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~BenchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;

  fs::path write(const std::string& name, const std::string& content) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

enum class Style { numbers, names, quoted_crlf };

std::string list_text(std::int64_t rows, Style style) {
  std::string text = "path,label\n";
  for (std::int64_t i = 0; i < rows; ++i) {
    std::string number = std::to_string(i);
    number.insert(0, 7 - number.size(), '0');
    const std::string label = std::to_string(i * 7919 % 1000);
    const std::string path = "images/train/" + number + ".jpg";
    switch (style) {
      case Style::numbers: text += path + "," + label + "\n"; break;
      case Style::names: text += path + ",n0" + label + "\n"; break;
      case Style::quoted_crlf: text += "\"" + path + "\",\"n0" + label + "\"\r\n"; break;
    }
  }
  return text;
}

void open_list(benchmark::State& state, Style style) {
  constexpr std::int64_t rows = 1'000'000;
  const BenchFolder folder;
  const std::string text = list_text(rows, style);
  const fs::path path = folder.write("list.csv", text);
  std::shared_ptr<const Dataset> list;
  for (auto _ : state) list = open_file_list(path);
  const auto& files = dynamic_cast<const ImageFiles&>(*list);
  state.counters["bytes_per_row"] =
      static_cast<double>(files.memory_bytes()) / static_cast<double>(rows);
  state.counters["text_bytes_per_row"] =
      static_cast<double>(text.size()) / static_cast<double>(rows);
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK_CAPTURE(open_list, numbers, Style::numbers)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(open_list, names, Style::names)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(open_list, quoted_crlf, Style::quoted_crlf)->Unit(benchmark::kMillisecond);

constexpr int file_count = 2000;

std::vector<std::string> write_files(const BenchFolder& folder, std::int64_t bytes) {
  std::vector<std::string> names;
  for (int i = 0; i < file_count; ++i) {
    names.push_back("images/train/class/" + std::to_string(i) + ".jpg");
    folder.write(names.back(), std::string(static_cast<std::size_t>(bytes), 'x'));
  }
  return names;
}

// From the page cache, one file a time.
void read_file(benchmark::State& state) {
  const BenchFolder folder;
  const auto names = write_files(folder, state.range(0));
  const FileReader reader(folder.path());
  std::vector<std::byte> buffer;
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader.read(names[next].c_str(), buffer).data());
    next = (next + 1) % names.size();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_file)->Arg(700)->Arg(40'000);

// The same by calls that would not have waited: what a loader does first.
void try_read_file(benchmark::State& state) {
  const BenchFolder folder;
  const auto names = write_files(folder, state.range(0));
  const FileReader reader(folder.path());
  std::vector<std::byte> buffer;
  std::size_t next = 0;
  std::int64_t waits = 0;
  for (auto _ : state) {
    if (!reader.try_read(names[next].c_str(), buffer)) ++waits;
    benchmark::DoNotOptimize(buffer.data());
    next = (next + 1) % names.size();
  }
  state.counters["would_wait"] = static_cast<double>(waits);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(try_read_file)->Arg(700)->Arg(40'000);

// The system calls alone: what read_file cannot go below.
void read_file_bare(benchmark::State& state) {
  const BenchFolder folder;
  const auto names = write_files(folder, state.range(0));
  const int base = ::open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  std::vector<std::byte> buffer(1 << 17);
  std::size_t next = 0;
  for (auto _ : state) {
    const int file = ::openat(base, names[next].c_str(), O_RDONLY | O_CLOEXEC);
    benchmark::DoNotOptimize(::read(file, buffer.data(), buffer.size()));
    ::close(file);
    next = (next + 1) % names.size();
  }
  ::close(base);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_file_bare)->Arg(700)->Arg(40'000);

// What C++ programs usually do.
void read_file_ifstream(benchmark::State& state) {
  const BenchFolder folder;
  const auto names = write_files(folder, state.range(0));
  std::size_t next = 0;
  for (auto _ : state) {
    std::ifstream file(folder.path() / names[next], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    benchmark::DoNotOptimize(bytes.data());
    next = (next + 1) % names.size();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_file_ifstream)->Arg(700)->Arg(40'000);

}  // namespace
}  // namespace headrace
