// What the formats of script/compare --formats are measured by, where the loader is not what
// counts. Prints one JSON object with images_per_second.
//
//   format_reads records DATA       the records of a data set in order, by one thread, from memory
//   format_reads bytes DATA FILE    its FILE, in pieces as large as a record is on average
//   format_reads disk-records DATA FILE    the same two of a FILE that was just taken out of the
//   format_reads disk-bytes DATA FILE      page cache: what the disk gives, in pieces of 1 MiB
//   format_reads decode DATA        its images in full, from memory, by one thread
//   format_reads open FILE [N]      a pack of N (1,000,000) small images, which is made if it is
//   not
//                                   there: opened, from memory, and its first record read

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "headrace/formats/image_codec.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/pack.h"
#include "headrace/formats/pack_writer.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace headrace;

constexpr double least_seconds = 3;
constexpr std::size_t piece_of_disk = 1 << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of this process, in user mode and in the kernel.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void print(double images, double seconds, double cpu, double bytes) {
  std::printf(
      "{\"images_per_second\": %.1f, \"images_per_cpu_second\": %.1f, "
      "\"bytes_per_second\": %.0f, \"images\": %.0f}\n",
      images / seconds, images / std::max(cpu, 1e-6), bytes / seconds, images);
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("cannot open " + path);
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // Out of the page cache.
  void evict() const {
    if (::fdatasync(descriptor_) != 0 ||
        ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED) != 0) {
      throw std::runtime_error("cannot be taken out of the page cache");
    }
  }
  double read_all(std::size_t piece) const {
    std::vector<std::byte> buffer(piece);
    double bytes = 0;
    for (off_t at = 0;;) {
      const ssize_t count = ::pread(descriptor_, buffer.data(), buffer.size(), at);
      if (count <= 0) return bytes;
      at += count;
      bytes += static_cast<double>(count);
    }
  }

 private:
  int descriptor_;
};

double read_records(const Dataset& dataset) {
  double bytes = 0;
  Record record;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, record);
    const RecordValue& image = record.values.at(0);
    bytes += static_cast<double>(image.bytes.empty()
                                     ? image.pixels.row_bytes *
                                           static_cast<std::size_t>(image.pixels.shape.height)
                                     : image.bytes.size());
  }
  return bytes;
}

// Does `pass`, which says how many bytes it did, once for nothing and then for some seconds;
// `before` is done before each, and not timed.
void measure(
    std::int64_t images, const std::function<double()>& pass,
    const std::function<void()>& before = [] {}) {
  before();
  pass();
  double seconds = 0, cpu = 0, bytes = 0, done = 0;
  while (seconds < least_seconds) {
    before();
    const double cpu_before = cpu_seconds();
    const auto start = Clock::now();
    bytes += pass();
    seconds += seconds_since(start);
    cpu += cpu_seconds() - cpu_before;
    done += static_cast<double>(images);
  }
  print(done, seconds, cpu, bytes);
}

void decode(const Dataset& dataset) {
  std::vector<std::vector<std::byte>> files;
  Record record;
  double bytes = 0;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, record);
    const auto encoded = record.values.at(0).bytes;
    files.emplace_back(encoded.begin(), encoded.end());
    bytes += static_cast<double>(encoded.size());
  }
  const auto session = make_image_decoder()->session();
  Image image;
  measure(dataset.size(), [&] {
    for (const auto& file : files) {
      const ImageInfo info = session->open(file);
      session->decode({{0, 0, info.shape.height, info.shape.width}}, image);
    }
    return bytes;
  });
}

// Many images of 4 x 4.
class SmallImages final : public Dataset {
 public:
  explicit SmallImages(std::int64_t count) : count_(count) {
    info_.name = "small images";
    info_.fields = {{"image", FieldKind::pixels, ElementType::u8, {4, 4, 3}}};
  }
  std::int64_t size() const override { return count_; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t, Record& into) const override {
    into.values.resize(1);
    RecordValue& image = into.values[0];
    image.buffer.resize(48);
    image.pixels = {image.buffer.data(), {4, 4, 3}, 12, ElementType::u8};
  }
  std::int64_t label(std::int64_t) const override { return -1; }
  std::string key(std::int64_t index) const override { return std::to_string(index); }
  std::uint64_t fingerprint() const override { return static_cast<std::uint64_t>(count_); }

 private:
  std::int64_t count_;
  DatasetInfo info_;
};

void open_pack_of(const std::string& path, std::int64_t count) {
  if (!std::filesystem::exists(path)) write_pack(SmallImages(count), path);
  std::vector<double> times;
  const double cpu = cpu_seconds();
  for (int turn = 0; turn < 21; ++turn) {
    const auto start = Clock::now();
    Record record;
    open_pack(path)->read(0, record);
    times.push_back(seconds_since(start));
  }
  const double each = (cpu_seconds() - cpu) / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  print(static_cast<double>(count), times[times.size() / 2], each,
        static_cast<double>(std::filesystem::file_size(path)));
}

void run(const std::vector<std::string>& arguments) {
  const std::string& what = arguments.at(0);
  if (what == "open") {
    return open_pack_of(arguments.at(1),
                        arguments.size() > 2 ? std::stoll(arguments[2]) : 1'000'000);
  }
  const auto dataset = open_dataset(arguments.at(1));
  const std::int64_t images = dataset->size();
  if (what == "decode") return decode(*dataset);
  if (what == "records") return measure(images, [&] { return read_records(*dataset); });
  const OpenFile file(arguments.at(2));
  if (what == "bytes") {
    const auto piece = std::filesystem::file_size(arguments[2]) / static_cast<std::size_t>(images);
    return measure(images, [&] { return file.read_all(piece); });
  }
  if (what == "disk-bytes") {
    return measure(
        images, [&] { return file.read_all(piece_of_disk); }, [&] { file.evict(); });
  }
  if (what == "disk-records") {
    return measure(
        images, [&] { return read_records(*dataset); }, [&] { file.evict(); });
  }
  throw std::runtime_error("there is no job " + what);
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    run({arguments + 1, arguments + argument_count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "format_reads: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
