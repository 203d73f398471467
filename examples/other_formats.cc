// Writes the first images of a set of grey 28 x 28 pixels in other forms: as a file of CIFAR-10's
// binary version, and as JPEG files of 128 x 128 with a list of them.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "headrace/formats/cifar.h"
#include "headrace/formats/jpeg.h"
#include "headrace/formats/open_dataset.h"

namespace {

// `size` x `size` RGB pixels: each grey one of the 28 x 28, `scale` times as large, in the middle.
std::vector<std::uint8_t> enlarged(const std::uint8_t* grey, int size, int scale) {
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(size * size * 3));
  const int corner = (size - 28 * scale) / 2 * (size + 1);
  for (int y = 0; y < 28 * scale; ++y)
    for (int x = 0; x < 28 * scale; ++x)
      std::fill_n(&rgb[static_cast<std::size_t>(corner + y * size + x) * 3], 3,
                  grey[y / scale * 28 + x / scale]);
  return rgb;
}

void write_jpeg(const std::vector<std::uint8_t>& rgb, const std::filesystem::path& path) {
  const auto* pixels = reinterpret_cast<const std::byte*>(rgb.data());
  std::vector<std::byte> jpeg;
  headrace::encode_jpeg({pixels, {128, 128, 3}, 3 * 128}, /*quality=*/90, jpeg);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(jpeg.data()), static_cast<std::streamsize>(jpeg.size()));
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace headrace;
  if (argc < 4) return std::puts("usage: other_formats IDX_FILE FOLDER IMAGES"), 2;
  const std::filesystem::path folder = argv[2];
  std::filesystem::create_directories(folder);
  const auto data = open_dataset(argv[1]);
  Record record;
  std::vector<std::uint8_t> small;
  std::vector<std::int32_t> labels;
  std::ofstream list(folder / "files.csv");
  list << "path,label\n";
  for (std::int64_t n = 0; n < std::min<std::int64_t>(std::stoll(argv[3]), data->size()); ++n) {
    data->read(n, record);
    const auto* grey = record.values[0].pixels.row<std::uint8_t>(0);
    const auto rgb = enlarged(grey, 32, 1), large = enlarged(grey, 128, 4);
    small.insert(small.end(), rgb.begin(), rgb.end());
    labels.push_back(static_cast<std::int32_t>(data->label(n)));
    write_jpeg(large, folder / (std::to_string(n) + ".jpg"));
    list << n << ".jpg," << labels.back() << '\n';
  }
  write_cifar10(folder / "data_batch_1.bin", small, labels);
} catch (const std::exception& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
