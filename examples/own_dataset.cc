// A data set of one's own: anything that can give record number i. Here, stripes that are drawn
// when they are asked for; the class is how wide they are.

#include <cstdio>
#include <memory>
#include <string>

#include "headrace/augment/recipe.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"

namespace {

using namespace headrace;

class Stripes final : public Dataset {
 public:
  std::int64_t size() const override { return 300; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t i, Record& into) const override {
    RecordValue& image = into.values[0];  // its buffer is used again
    image.buffer.resize(16 * 16);
    for (std::size_t p = 0; p < 16 * 16; ++p) {
      const bool white = p % 16 % static_cast<std::size_t>(2 + label(i)) == 0;
      image.buffer[p] = std::byte(white ? 255 : 0);
    }
    image.pixels = {.data = image.buffer.data(), .shape = {16, 16, 1}, .row_bytes = 16};
    into.values[1].set_scalar(static_cast<std::int32_t>(label(i)));
  }
  std::int64_t label(std::int64_t i) const override { return i % 3; }
  std::string key(std::int64_t i) const override { return "stripes " + std::to_string(i); }
  std::uint64_t fingerprint() const override { return 1; }  // another number for other data

 private:
  DatasetInfo info_{"stripes",
                    {{"image", FieldKind::pixels, ElementType::u8, {16, 16, 1}},
                     {"label", FieldKind::class_label, ElementType::i32, {}}},
                    {"of 2", "of 3", "of 4"}};
};

}  // namespace

int main() {
  Recipe recipe({16, 16, 1});
  recipe.set("width_shift", 0.1).set("rescale", 1.0 / 255);
  auto images = std::make_shared<ImageSequence>(std::make_shared<Stripes>(), nullptr,
                                                recipe.make_augmenter());
  Loader loader(images, {.batch_size = 50, .epochs = 1});
  double white[3] = {};
  while (auto batch = loader.next()) {
    const auto pixels = batch->field("image").as<float>();
    const auto labels = batch->field("label").as<std::int32_t>();
    for (std::size_t p = 0; p < pixels.size(); ++p) white[labels[p / 256]] += pixels[p] / 25'600;
  }
  std::printf("white: %.2f %.2f %.2f\n", white[0], white[1], white[2]);
  return white[0] > white[1] && white[1] > white[2] ? 0 : 1;
}
