// What a programmer would write without Headrace: for each file, read it, decode all of it by
// libjpeg-turbo, resize a random part of it by OpenCV, flip, normalise to f32; one thread, one bare
// loop, everything reused that can be. Independent of Headrace, which is measured against it.
//
//   plain_path LIST linear|area [SECONDS]
//
// LIST has a header and rows path,label. Prints one JSON object. `linear` aliases where it shrinks;
// `area` does not.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

// Needs FILE and size_t, and does not declare them.
#include <jpeglib.h>

namespace {

constexpr int size = 224;
constexpr std::size_t row_values = std::size_t{3} * size;
constexpr std::size_t batch_size = 64;

std::vector<std::string> read_list(const std::filesystem::path& list) {
  std::ifstream file(list);
  std::vector<std::string> paths;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    paths.push_back(list.parent_path() / line.substr(0, line.rfind(',')));
  }
  if (paths.empty()) throw std::runtime_error("no files in " + list.string());
  return paths;
}

void read_file(const std::string& path, std::vector<unsigned char>& into) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error("cannot open " + path);
  const off_t length = lseek(file, 0, SEEK_END);
  into.resize(static_cast<std::size_t>(std::max<off_t>(length, 0)));
  const ssize_t got = pread(file, into.data(), into.size(), 0);
  close(file);
  if (got != length) throw std::runtime_error("cannot read " + path);
}

// One decompressor, kept.
class Jpeg {
 public:
  Jpeg() {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr) { throw std::runtime_error("a JPEG is damaged"); };
    jpeg_create_decompress(&info_);
  }
  Jpeg(const Jpeg&) = delete;
  Jpeg& operator=(const Jpeg&) = delete;
  ~Jpeg() { jpeg_destroy_decompress(&info_); }

  void decode(const std::vector<unsigned char>& bytes, cv::Mat& into) {
    jpeg_mem_src(&info_, bytes.data(), bytes.size());
    jpeg_read_header(&info_, TRUE);
    info_.out_color_space = JCS_RGB;
    jpeg_start_decompress(&info_);
    into.create(static_cast<int>(info_.output_height), static_cast<int>(info_.output_width),
                CV_8UC3);
    while (info_.output_scanline < info_.output_height) {
      std::array<JSAMPROW, 4> rows{};
      const int first = static_cast<int>(info_.output_scanline);
      const int count = std::min(4, into.rows - first);
      for (int i = 0; i < count; ++i) rows[static_cast<std::size_t>(i)] = into.ptr(first + i);
      jpeg_read_scanlines(&info_, rows.data(), static_cast<JDIMENSION>(count));
    }
    jpeg_finish_decompress(&info_);
  }

 private:
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
};

// A random part of an image: 8 % to all of its area, 3:4 to 4:3.
cv::Rect random_crop(const cv::Size& image, std::mt19937_64& rng) {
  std::uniform_real_distribution<double> scale(0.08, 1);
  std::uniform_real_distribution<double> log_ratio(std::log(3.0 / 4), std::log(4.0 / 3));
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = image.area() * scale(rng);
    const double ratio = std::exp(log_ratio(rng));
    const int width = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const int height = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue;
    const int x = std::uniform_int_distribution<int>(0, image.width - width)(rng);
    const int y = std::uniform_int_distribution<int>(0, image.height - height)(rng);
    return {x, y, width, height};
  }
  const int side = std::min(image.width, image.height);
  return {(image.width - side) / 2, (image.height - side) / 2, side, side};
}

// A row's worth of factors and offsets, so that normalising is one loop over values.
struct Normalize {
  std::array<float, row_values> factor{};
  std::array<float, row_values> offset{};

  Normalize() {
    constexpr std::array<float, 3> mean{0.485F, 0.456F, 0.406F};
    constexpr std::array<float, 3> deviation{0.229F, 0.224F, 0.225F};
    for (std::size_t i = 0; i < row_values; ++i) {
      factor[i] = 1 / (255 * deviation[i % 3]);
      offset[i] = -mean[i % 3] / deviation[i % 3];
    }
  }

  void operator()(const cv::Mat& image, float* out) const {
    for (int y = 0; y < size; ++y, out += row_values) {
      const unsigned char* row = image.ptr(y);
      for (std::size_t i = 0; i < row_values; ++i) {
        out[i] = static_cast<float>(row[i]) * factor[i] + offset[i];
      }
    }
  }
};

class PlainPath {
 public:
  PlainPath(std::vector<std::string> paths, int filter)
      : paths_(std::move(paths)), order_(paths_.size()), filter_(filter) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  // Images of one epoch, batch after batch into the same memory.
  std::size_t epoch() {
    std::shuffle(order_.begin(), order_.end(), rng_);
    std::size_t at = 0;
    for (const std::size_t index : order_) {
      read_file(paths_[index], bytes_);
      jpeg_.decode(bytes_, decoded_);
      cv::resize(decoded_(random_crop(decoded_.size(), rng_)), resized_, {size, size}, 0, 0,
                 filter_);
      const bool mirrored = rng_() % 2 == 0;
      if (mirrored) cv::flip(resized_, flipped_, 1);
      normalize_(mirrored ? flipped_ : resized_, batch_.data() + at * row_values * size);
      at = (at + 1) % batch_size;
    }
    return order_.size();
  }

 private:
  std::vector<std::string> paths_;
  std::vector<std::size_t> order_;
  int filter_;
  std::mt19937_64 rng_{1};
  Jpeg jpeg_;
  Normalize normalize_;
  std::vector<unsigned char> bytes_;
  cv::Mat decoded_, resized_, flipped_;
  std::vector<float> batch_ = std::vector<float>(batch_size * row_values * size);
};

int run(const std::filesystem::path& list, const std::string& filter, double least_seconds) {
  using Clock = std::chrono::steady_clock;
  if (filter != "linear" && filter != "area") throw std::runtime_error("linear or area?");
  cv::setNumThreads(1);
  PlainPath path(read_list(list), filter == "area" ? cv::INTER_AREA : cv::INTER_LINEAR);
  path.epoch();
  std::size_t images = 0;
  int epochs = 0;
  double seconds = 0;
  const std::clock_t cpu_start = std::clock();
  const Clock::time_point start = Clock::now();
  while (epochs < 2 || seconds < least_seconds) {
    images += path.epoch();
    ++epochs;
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
  const auto count = static_cast<double>(images);
  std::printf(R"({"images_per_second": %.1f, "images_per_cpu_second": %.1f, "images": %zu})"
              "\n",
              count / seconds, count / cpu, images);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: plain_path LIST linear|area [SECONDS]\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2], argc > 3 ? std::atof(argv[3]) : 4);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plain_path: %s\n", error.what());
    return 1;
  }
}
