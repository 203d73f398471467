// A decoder of one's own: anything that can say how large an image is, and give its pixels. Here,
// PGM files ("P5 WIDTH HEIGHT 255", then a byte for each pixel).

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "headrace/augment/recipe.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/rng.h"

namespace {

using namespace headrace;

class PgmSession final : public DecodeSession {
 public:
  ImageInfo open(std::span<const std::byte> file) override {
    const std::string text(reinterpret_cast<const char*>(file.data()), file.size());
    int start = 0;
    if (std::sscanf(text.c_str(), "P5 %d %d 255%n", &width_, &height_, &start) != 2 || start == 0) {
      throw Error(ErrorCode::corrupt_data, "this is no PGM file of 8 bits");
    }
    pixels_ = file.data() + start + 1;
    return {.shape = {height_, width_, 1}};
  }
  Region decode(const DecodeRequest& request, Image& into) override {
    into.reshape({height_, width_, request.channels});
    const auto channels = static_cast<std::size_t>(request.channels);
    for (int y = 0; y < height_; ++y) {
      for (std::size_t x = 0; x < static_cast<std::size_t>(width_); ++x) {
        const auto level = static_cast<int>(pixels_[y * width_ + static_cast<int>(x)]);
        std::memset(into.row<std::byte>(y) + x * channels, level, channels);
      }
    }
    return {0, 0, height_, width_};  // all of it: at least what was asked for
  }

 private:
  int height_ = 0;
  int width_ = 0;
  const std::byte* pixels_ = nullptr;
};

class PgmDecoder final : public Decoder {
 public:
  std::unique_ptr<DecodeSession> session() const override { return std::make_unique<PgmSession>(); }
  std::uint64_t fingerprint() const override { return stream_id("pgm"); }
};

// Grey images, from black to white, of several sizes; the last file is damaged.
class PgmFiles final : public Dataset {
 public:
  std::int64_t size() const override { return 100; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t i, Record& into) const override {
    const int side = 20 + static_cast<int>(i % 7);
    std::string file = "P5 " + std::to_string(side) + " " + std::to_string(side) + " 255\n" +
                       std::string(static_cast<std::size_t>(side * side), static_cast<char>(i));
    if (i == 99) file[1] = '6';
    RecordValue& image = into.values[0];
    image.buffer.resize(file.size());
    std::memcpy(image.buffer.data(), file.data(), file.size());
    image.bytes = image.buffer;
  }
  std::int64_t label(std::int64_t) const override { return -1; }
  std::string key(std::int64_t i) const override { return std::to_string(i) + ".pgm"; }
  std::uint64_t fingerprint() const override { return 1; }

 private:
  DatasetInfo info_{"greys", {{"image", FieldKind::encoded_image, ElementType::u8, {}}}, {}};
};

}  // namespace

int main() {
  auto images = std::make_shared<ImageSequence>(
      std::make_shared<PgmFiles>(), std::make_shared<PgmDecoder>(),
      Recipe({16, 16, 3}).make_augmenter(),
      ImageSequenceOptions{.shuffle = Shuffle::none, .on_error = ErrorPolicy::blank});
  Loader loader(images, {.batch_size = 10, .epochs = 1});
  int wrong = 0;
  while (auto batch = loader.next()) {
    const auto pixels = batch->field("image").as<float>();
    for (std::size_t p = 0; p < pixels.size(); ++p) {
      const std::int64_t index =
          batch->begin().sample + static_cast<std::int64_t>(p) / (16 * 16 * 3);
      if (pixels[p] != static_cast<float>(index == 99 ? 0 : index)) ++wrong;
    }
  }
  std::printf("%s\n%d pixels are wrong\n", to_text(images->error_report()).c_str(), wrong);
  return wrong;
}
