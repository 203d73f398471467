// Masks, boxes, key points and second images on their way through ImageSequence and Loader.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "headrace/augment/recipe.h"
#include "headrace/augment/target_geometry.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/image_sequence.h"
#include "headrace/pipeline/loader.h"
#include "headrace/pipeline/targets.h"

namespace headrace {
namespace {

constexpr int count = 12;

// A file of raw pixels behind these numbers.
struct Header {
  int height = 0;
  int width = 0;
  int channels = 0;  // 0: indices into a palette
  int orientation = 1;
};

class RawSession final : public DecodeSession {
 public:
  ImageInfo open(std::span<const std::byte> bytes) override {
    std::memcpy(&header_, bytes.data(), sizeof header_);
    pixels_ = bytes.subspan(sizeof header_);
    const bool has_palette = header_.channels == 0;
    return {{header_.height, header_.width, has_palette ? 3 : header_.channels},
            header_.orientation,
            has_palette};
  }
  Region decode(const DecodeRequest& request, Image& into) override {
    EXPECT_EQ(request.indices, header_.channels == 0);
    const int channels = request.indices ? 1 : header_.channels;
    EXPECT_EQ(request.channels, channels);
    into.reshape({header_.height, header_.width, channels});
    std::memcpy(into.data(), pixels_.data(), pixels_.size());
    return {0, 0, header_.height, header_.width};
  }

 private:
  Header header_;
  std::span<const std::byte> pixels_;
};

class RawDecoder final : public Decoder {
 public:
  std::unique_ptr<DecodeSession> session() const override { return std::make_unique<RawSession>(); }
  std::uint64_t fingerprint() const override { return 1; }
};

// The number of a pixel of the upright picture, so that masks tell where they come from.
std::uint8_t level_of(int record, int y, int x) {
  return static_cast<std::uint8_t>(record * 7 + y * 13 + x * 3);
}

// Images of 20 x 30 pixels, all channels alike; the mask and the second image show the same. The
// first image of `turned` is stored on its side.
class Scenes final : public Dataset {
 public:
  explicit Scenes(bool turned = false) : turned_(turned) {
    info_.name = "scenes";
    info_.fields = {{"image", FieldKind::encoded_image, ElementType::u8, {}},
                    {"label", FieldKind::class_label, ElementType::i32, {}},
                    {"mask", FieldKind::encoded_image, ElementType::u8, {}, FieldTarget::mask},
                    {"image2", FieldKind::encoded_image, ElementType::u8, {}, FieldTarget::pair},
                    {"boxes", FieldKind::values, ElementType::f32, {2, 6}, FieldTarget::boxes},
                    {"points", FieldKind::values, ElementType::f32, {2, 3}, FieldTarget::points}};
  }

  std::int64_t size() const override { return count; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override {
    const int record = static_cast<int>(index);
    into.values.resize(info_.fields.size());
    write_image(record, 3, turned_ ? 6 : 1, into.values[0]);
    into.values[1].set_scalar(static_cast<std::int32_t>(index));
    write_image(record, mask_channels, 1, into.values[2]);
    write_image(record, 3, 1, into.values[3]);
    const Box boxes[2] = {{2, 3, 12, 9, 4, 1}, {}};
    write_numbers(boxes, into.values[4]);
    const KeyPoint points[2] = {{5.5f, 6.5f, 1}, {}};
    write_numbers(points, into.values[5]);
  }
  std::int64_t label(std::int64_t index) const override { return index; }
  std::string key(std::int64_t index) const override { return "scene " + std::to_string(index); }
  std::uint64_t fingerprint() const override { return 3; }

  int mask_channels = 1;

 private:
  template <class T>
  static void write_numbers(const T& numbers, RecordValue& value) {
    value.buffer.resize(sizeof numbers);
    std::memcpy(value.buffer.data(), &numbers, sizeof numbers);
    value.bytes = value.buffer;
  }
  void write_image(int record, int channels, int orientation, RecordValue& value) const {
    const bool on_side = orientation == 6;
    const Header header = {on_side ? 30 : 20, on_side ? 20 : 30, channels, orientation};
    const int stored = std::max(channels, 1);
    value.buffer.resize(sizeof header + static_cast<std::size_t>(600 * stored));
    std::memcpy(value.buffer.data(), &header, sizeof header);
    std::byte* to = value.buffer.data() + sizeof header;
    for (int y = 0; y < header.height; ++y) {
      for (int x = 0; x < header.width; ++x) {
        // A quarter turn clockwise makes it upright.
        const std::uint8_t level =
            on_side ? level_of(record, x, header.height - 1 - y) : level_of(record, y, x);
        for (int c = 0; c < stored; ++c) *to++ = std::byte{level};
      }
    }
    value.bytes = value.buffer;
  }

  bool turned_;
  DatasetInfo info_;
};

Recipe moving_recipe() {
  Recipe recipe({16, 24, 3}, ElementType::u8);
  recipe.set("resize", std::string("nearest"))
      .set("rotation", 15.0)
      .set("horizontal_flip", true)
      .set("zoom", std::vector<double>{0.7, 1.1})
      .set("fill_mode", std::string("constant"));
  return recipe;
}

std::shared_ptr<const ImageSequence> make_scenes(bool turned = false,
                                                 const ImageSequenceOptions& options = {}) {
  return std::make_shared<ImageSequence>(std::make_shared<Scenes>(turned),
                                         std::make_shared<RawDecoder>(),
                                         moving_recipe().make_augmenter(), options);
}

TEST(TargetSequence, HasAFieldForEachTarget) {
  const auto sequence = make_scenes();
  const BatchSpec& spec = sequence->spec();
  EXPECT_EQ(spec.fields[spec.index_of("mask")], (FieldSpec{"mask", ElementType::u8, {16, 24}}));
  EXPECT_EQ(spec.fields[spec.index_of("image2")],
            (FieldSpec{"image2", ElementType::u8, {16, 24, 3}}));
  EXPECT_EQ(spec.fields[spec.index_of("boxes")], (FieldSpec{"boxes", ElementType::f32, {2, 6}}));
  EXPECT_EQ(spec.fields[spec.index_of("points")], (FieldSpec{"points", ElementType::f32, {2, 3}}));
}

TEST(TargetSequence, MovesAllTargetsByThePlanOfTheImage) {
  for (const bool turned : {false, true}) {
    const auto sequence = make_scenes(turned);
    const Batch batch = make_batch(*sequence, 2, 0, count);
    const auto image = batch.field("image").as<std::uint8_t>();
    const auto pair = batch.field("image2").as<std::uint8_t>();
    const auto mask = batch.field("mask").as<std::uint8_t>();
    EXPECT_TRUE(std::equal(image.begin(), image.end(), pair.begin()));
    for (std::size_t i = 0; i < mask.size(); ++i) ASSERT_EQ(mask[i], image[3 * i]) << i;
    const auto boxes = batch.field("boxes").as<float>();
    const auto points = batch.field("points").as<float>();
    for (std::int64_t row = 0; row < count; ++row) {
      const SamplePlan plan = sequence->plan(2, row);
      Box box = {2, 3, 12, 9, 4, 1};
      move_boxes(plan, {&box, 1});
      KeyPoint point = {5.5f, 6.5f, 1};
      move_points(plan, {&point, 1});
      const float* of_box = boxes.data() + row * 12;
      EXPECT_EQ(of_box[0], box.left);
      EXPECT_EQ(of_box[3], box.bottom);
      EXPECT_EQ(of_box[4], 4);
      EXPECT_EQ(of_box[5], box.visibility);
      EXPECT_EQ(of_box[10], -1);
      EXPECT_EQ(of_box[11], 0);
      EXPECT_EQ(points[static_cast<std::size_t>(row * 6)], point.x);
      EXPECT_EQ(points[static_cast<std::size_t>(row * 6 + 2)], point.visibility);
      EXPECT_EQ(points[static_cast<std::size_t>(row * 6 + 5)], 0);
    }
  }
}

TEST(TargetSequence, IsTheSameAtAnyNumberOfThreads) {
  std::vector<std::byte> first;
  for (const int threads : {1, 2, 5}) {
    LoaderOptions options;
    options.batch_size = 5;
    options.threads = threads;
    options.epochs = 2;
    Loader loader(make_scenes(), options);
    std::vector<std::byte> all;
    while (const auto batch = loader.next()) {
      for (std::size_t f = 0; f < batch->spec().fields.size(); ++f) {
        const FieldView field = batch->field(f);
        all.insert(all.end(), field.data,
                   field.data + field.spec->row_bytes() * static_cast<std::size_t>(field.rows));
      }
    }
    ASSERT_FALSE(all.empty());
    if (first.empty()) first = all;
    EXPECT_EQ(all, first) << threads;
  }
}

TEST(TargetSequence, IndicesOfAPaletteAreClasses) {
  std::vector<std::vector<std::uint8_t>> masks;
  for (const int channels : {1, 0}) {
    auto scenes = std::make_shared<Scenes>();
    scenes->mask_channels = channels;
    const ImageSequence sequence(scenes, std::make_shared<RawDecoder>(),
                                 moving_recipe().make_augmenter());
    const Batch batch = make_batch(sequence, 0, 0, count);
    const auto mask = batch.field("mask").as<std::uint8_t>();
    masks.emplace_back(mask.begin(), mask.end());
  }
  EXPECT_EQ(masks[0], masks[1]);
}

TEST(TargetSequence, RefusesMasksThatAreNoClasses) {
  auto scenes = std::make_shared<Scenes>();
  scenes->mask_channels = 3;
  const ImageSequence sequence(scenes, std::make_shared<RawDecoder>(),
                               moving_recipe().make_augmenter());
  try {
    make_batch(sequence, 0, 0, 1);
    FAIL() << "a mask of three channels was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("\"mask\": a mask of 3 channels"), std::string::npos)
        << error.what();
  }
}

TEST(TargetSequence, RefusesWhatCannotMoveTargets) {
  ImageSequenceOptions cached;
  cached.cache = SampleCache::pixels;
  cached.memory = std::make_shared<MemoryBudget>(std::size_t{1} << 30);
  EXPECT_THROW(make_scenes(false, cached), Error);
}

TEST(TargetSequence, LeavesNothingToBeSeenOfWhatIsBlank) {
  auto scenes = std::make_shared<Scenes>();
  scenes->mask_channels = 3;
  ImageSequenceOptions options;
  options.on_error = ErrorPolicy::blank;
  const ImageSequence sequence(scenes, std::make_shared<RawDecoder>(),
                               moving_recipe().make_augmenter(), options);
  const Batch batch = make_batch(sequence, 0, 0, 1);
  const auto boxes = batch.field("boxes").as<float>();
  EXPECT_EQ(boxes[4], -1);
  EXPECT_EQ(boxes[5], 0);
  for (const std::uint8_t level : batch.field("mask").as<std::uint8_t>()) EXPECT_EQ(level, 0);
}

}  // namespace
}  // namespace headrace
