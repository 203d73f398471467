// What a long list costs: the time to open it, memory beyond its text, the time until a loader can
// ask for its first record.
//
//   long_list [ROWS] [FILE]    10,000,000 rows; FILE is written, measured and removed

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "headrace/formats/file_list.h"
#include "headrace/pipeline/epoch_order.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace headrace;

// Of this process, in user mode and in the kernel.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void write_list(const std::filesystem::path& path, std::int64_t rows) {
  std::ofstream file(path, std::ios::binary);
  file << "path,label\n";
  char line[80];
  for (std::int64_t row = 0; row < rows; ++row) {
    const int length =
        std::snprintf(line, sizeof line, "images/train/n%05lld/%08lld.jpg,n%05lld\n",
                      static_cast<long long>(row * 7919 % 1000), static_cast<long long>(row),
                      static_cast<long long>(row * 7919 % 1000));
    file.write(line, length);
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// Memory of this process, and the most that it ever was.
struct Resident {
  double now = 0;
  double peak = 0;
};

Resident resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return {pages * static_cast<double>(::sysconf(_SC_PAGESIZE)),
          static_cast<double>(usage.ru_maxrss) * 1024};
}

void measure(const std::filesystem::path& path, std::int64_t rows) {
  const Resident before = resident_bytes();
  const double cpu_before = cpu_seconds();
  auto start = Clock::now();
  const auto list = open_file_list(path);
  const double open = seconds_since(start);
  const double cpu = cpu_seconds() - cpu_before;
  const Resident after = resident_bytes();
  const auto text = static_cast<double>(std::filesystem::file_size(path));
  const auto n = static_cast<double>(rows);
  std::printf("%lld rows, %.1f MB of text, %zu classes\n", static_cast<long long>(list->size()),
              text / 1e6, list->info().classes.size());
  std::printf("open         %.3f s (%.3f s of CPU), %.0f ns a row\n", open, cpu, 1e9 * open / n);
  std::printf("memory       %.1f bytes a row beyond the text; at most %.1f while it is opened\n",
              (after.now - before.now - text) / n, (after.peak - before.now - text) / n);

  start = Clock::now();
  const std::uint64_t fingerprint = list->fingerprint();
  std::printf("fingerprint  %.3f s (%016llx)\n", seconds_since(start),
              static_cast<unsigned long long>(fingerprint));

  const EpochOrder order(list->size(), Shuffle::full, 1, 0);
  constexpr std::int64_t looks = 100'000;
  std::size_t bytes = 0;
  start = Clock::now();
  for (std::int64_t i = 0; i < looks; ++i) bytes += list->key(order.index_at(i)).size();
  std::printf("a key        %.0f ns at random places (%zu bytes on average)\n",
              1e9 * seconds_since(start) / static_cast<double>(looks),
              bytes / static_cast<std::size_t>(looks));
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? std::atoll(argv[1]) : 10'000'000;
  const std::filesystem::path path =
      argc > 2 ? argv[2] : std::filesystem::temp_directory_path() / "headrace-long-list.csv";
  try {
    if (rows <= 0) throw std::runtime_error("ROWS must be a number above 0");
    write_list(path, rows);
    measure(path, rows);
    std::filesystem::remove(path);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "long_list: %s\n", error.what());
    std::filesystem::remove(path);
    return 1;
  }
  return 0;
}
