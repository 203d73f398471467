#include "photos.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "headrace/formats/jpeg.h"
#include "headrace/formats/open_dataset.h"

namespace headrace::bench {
namespace {

namespace fs = std::filesystem;

// Waves of falling strength, ever shorter, in colours that change more slowly.
Bytes draw_photo(ImageSize size, int quality) {
  Image image({size.height, size.width, 3});
  for (int y = 0; y < size.height; ++y) {
    auto* value = image.row<std::uint8_t>(y);
    for (int x = 0; x < size.width; ++x) {
      double sum = 128;
      for (int k = 1; k < 24; ++k) sum += 60.0 / k * std::sin(0.021 * k * x + 0.013 * k * k * y);
      for (int c = 0; c < 3; ++c) {
        const double colour = 20 * c + 30 * std::sin(0.02 * (c + 1) * x + 0.01 * y);
        *value++ = static_cast<std::uint8_t>(std::clamp(sum + colour, 0.0, 255.0));
      }
    }
  }
  Bytes bytes;
  encode_jpeg(image.view(), quality, bytes);
  return bytes;
}

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> text(std::istreambuf_iterator<char>(file), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<Bytes> read_folder(const fs::path& folder) {
  constexpr std::size_t most = 400;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  paths.resize(std::min(paths.size(), most));
  std::vector<Bytes> files;
  for (const fs::path& path : paths) files.push_back(read_file(path));
  return files;
}

}  // namespace

const std::vector<Bytes>& photos(ImageSize drawn, int quality) {
  static const std::vector<Bytes> all = [&] {
    const char* const folder = std::getenv("HEADRACE_BENCH_PHOTOS");
    return folder == nullptr ? std::vector<Bytes>() : read_folder(folder);
  }();
  if (!all.empty()) return all;
  static std::vector<Bytes> last;
  static ImageSize last_size;
  if (!(last_size == drawn)) last = {draw_photo(last_size = drawn, quality)};
  return last;
}

// By a folder that is gone afterwards.
std::shared_ptr<const SeekIndex> photo_index() {
  const fs::path folder = fs::temp_directory_path() / ("headrace-" + std::to_string(::getpid()));
  fs::create_directories(folder / "images");
  for (std::size_t i = 0; i < photos().size(); ++i) {
    std::ofstream file(folder / "images" / (std::to_string(i) + ".jpg"), std::ios::binary);
    file.write(reinterpret_cast<const char*>(photos()[i].data()),
               static_cast<std::streamsize>(photos()[i].size()));
  }
  write_seek_index(*open_dataset((folder / "images").string(), DataOptions{}), folder / "index");
  auto index = SeekIndex::open(folder / "index");
  fs::remove_all(folder);
  return index;
}

Region random_crop(const ImageSize& size, std::mt19937_64& rng) {
  std::uniform_real_distribution<double> scale(0.08, 1);
  std::uniform_real_distribution<double> log_ratio(std::log(3.0 / 4), std::log(4.0 / 3));
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = scale(rng) * size.height * size.width;
    const double ratio = std::exp(log_ratio(rng));
    const auto width = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const auto height = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (width < 1 || height < 1 || width > size.width || height > size.height) continue;
    return {std::uniform_int_distribution<int>(0, size.height - height)(rng),
            std::uniform_int_distribution<int>(0, size.width - width)(rng), height, width};
  }
  return {0, 0, size.height, size.width};
}

}  // namespace headrace::bench
