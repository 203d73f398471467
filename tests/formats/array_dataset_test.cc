#include "headrace/formats/array_dataset.h"

#include <gmock/gmock.h>

#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <vector>

#include "errors.h"
#include "headrace/formats/subset.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Numbers {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(3 * 2 * 2);  // 3 images of 2 x 2
  std::vector<float> floats = std::vector<float>(3 * 2 * 2);
  std::vector<std::int32_t> labels = {2, 0, 1};
  std::vector<float> targets = {0, 0, 1, 1, 0, 0, 0.2f, 0.5f, 0.3f};

  Numbers() {
    std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
    std::iota(floats.begin(), floats.end(), 0.5f);
  }
  ImageArrays arrays() const {
    ImageArrays arrays;
    arrays.shape = {2, 2, 1};
    arrays.u8_pixels = pixels;
    arrays.labels = labels;
    return arrays;
  }
};

TEST(ArrayDataset, ShowsTheCallersMemory) {
  const Numbers numbers;
  const ArrayDataset dataset(numbers.arrays());
  ASSERT_EQ(dataset.size(), 3);
  Record record;
  dataset.read(1, record);
  ASSERT_EQ(record.values.size(), 2u);
  const ImageView& image = record.values[0].pixels;
  EXPECT_EQ(image.data, reinterpret_cast<const std::byte*>(numbers.pixels.data() + 4));
  EXPECT_EQ(image.shape, (ImageShape{2, 2, 1}));
  EXPECT_EQ(image.row_bytes, 2u);
  EXPECT_EQ(image.type, ElementType::u8);
  EXPECT_EQ(record.values[1].bytes.data(),
            reinterpret_cast<const std::byte*>(numbers.labels.data() + 1));
  EXPECT_EQ(record.values[1].bytes.size(), 4u);
  EXPECT_EQ(dataset.label(0), 2);
  EXPECT_EQ(dataset.key(1), "memory: record 1");
}

TEST(ArrayDataset, TakesFloatsAndTargets) {
  const Numbers numbers;
  ImageArrays arrays = numbers.arrays();
  arrays.u8_pixels = {};
  arrays.labels = {};
  arrays.f32_pixels = numbers.floats;
  arrays.targets = numbers.targets;
  const ArrayDataset dataset(arrays);
  EXPECT_EQ(dataset.info().fields.at(1).kind, FieldKind::values);
  EXPECT_EQ(dataset.info().fields.at(1).type, ElementType::f32);
  EXPECT_THAT(dataset.info().fields.at(1).shape, ElementsAre(3));
  Record record;
  dataset.read(2, record);
  EXPECT_EQ(record.values[0].pixels.type, ElementType::f32);
  EXPECT_EQ(record.values[0].pixels.row_bytes, 8u);
  EXPECT_EQ(record.values[0].pixels.row<float>(1)[0], 10.5f);
  EXPECT_EQ(record.values[1].bytes.size(), 12u);
  EXPECT_EQ(dataset.label(0), 2);
  EXPECT_EQ(dataset.label(1), 0);
  EXPECT_EQ(dataset.label(2), 1);
}

TEST(ArrayDataset, TakesImagesAlone) {
  const Numbers numbers;
  ImageArrays arrays = numbers.arrays();
  arrays.labels = {};
  const ArrayDataset dataset(arrays);
  EXPECT_EQ(dataset.info().fields.size(), 1u);
  EXPECT_EQ(dataset.label(0), -1);
}

TEST(ArrayDataset, KeepsAnOwnerOfTheMemoryAlive) {
  auto owner = std::make_shared<const Numbers>();
  const std::weak_ptr<const Numbers> watch = owner;
  {
    ImageArrays arrays = owner->arrays();
    arrays.owner = std::move(owner);
    const ArrayDataset dataset(std::move(arrays));
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(ArrayDataset, RefusesWhatDoesNotFit) {
  const Numbers numbers;
  const auto fault = [&](const std::function<void(ImageArrays&)>& spoil) {
    ImageArrays arrays = numbers.arrays();
    spoil(arrays);
    return error_of(ErrorCode::invalid_argument, [&] { ArrayDataset dataset(arrays); });
  };
  EXPECT_EQ(fault([&](auto& a) { a.labels = a.labels.first(2); }),
            "memory: 3 images have 2 labels");
  EXPECT_THAT(fault([&](auto& a) { a.shape = {5, 1, 1}; }), HasSubstr("12 values are not a whole"));
  EXPECT_THAT(fault([&](auto& a) { a.shape = {0, 2, 1}; }), HasSubstr("must be positive"));
  EXPECT_THAT(fault([&](auto& a) { a.u8_pixels = {}; }), HasSubstr("there are no images"));
  EXPECT_THAT(fault([&](auto& a) { a.f32_pixels = numbers.floats; }), HasSubstr("not both"));
  EXPECT_THAT(fault([&](auto& a) { a.targets = numbers.targets; }), HasSubstr("not both"));
  EXPECT_EQ(fault([&](auto& a) {
              a.classes = {"a", "b"};
            }),
            "memory: record 0 has label 2; classes are 0 .. 1");
  const std::vector<std::int32_t> negative = {0, 1, -1};
  EXPECT_THAT(fault([&](auto& a) { a.labels = negative; }), HasSubstr("record 2 has label -1"));
  EXPECT_THAT(fault([&](auto& a) {
                a.labels = {};
                a.targets = std::span(numbers.targets).first(8);
              }),
              HasSubstr("8 targets cannot be shared out among 3 images"));
  EXPECT_THAT(fault([&](auto& a) {
                a.labels = {};
                a.targets = numbers.targets;
                a.classes = {"a", "b"};
              }),
              HasSubstr("3 targets each for 2 classes"));
}

struct Targets {
  std::vector<std::uint8_t> masks = std::vector<std::uint8_t>(3 * 1 * 1, 7);
  std::vector<Box> boxes = std::vector<Box>(3 * 2);
  std::vector<KeyPoint> points = std::vector<KeyPoint>(3);
  std::vector<std::uint8_t> seconds = std::vector<std::uint8_t>(3 * 4 * 4);

  ImageArrays beside(ImageArrays arrays) const {
    arrays.mask_size = {1, 1};
    arrays.masks = masks;
    arrays.boxes = boxes;
    arrays.points = points;
    arrays.second_shape = {4, 4, 1};
    arrays.u8_seconds = seconds;
    return arrays;
  }
};

TEST(ArrayDataset, TakesWhatMovesWithTheImages) {
  const Numbers numbers;
  Targets targets;
  targets.boxes[3] = {1, 2, 3, 4, 5, 1};
  targets.points[1] = {1.5f, 0.5f, 1};
  targets.seconds[16] = 9;
  const ArrayDataset dataset(targets.beside(numbers.arrays()));
  const std::vector<DatasetField>& fields = dataset.info().fields;
  ASSERT_EQ(fields.size(), 6u);
  EXPECT_EQ(fields[2].target, FieldTarget::mask);
  EXPECT_THAT(fields[2].shape, ElementsAre(1, 1, 1));
  EXPECT_EQ(fields[3].target, FieldTarget::boxes);
  EXPECT_THAT(fields[3].shape, ElementsAre(2, 6));
  EXPECT_EQ(fields[4].target, FieldTarget::points);
  EXPECT_THAT(fields[4].shape, ElementsAre(1, 3));
  EXPECT_EQ(fields[5].target, FieldTarget::pair);
  Record record;
  dataset.read(1, record);
  EXPECT_EQ(record.values[2].pixels.shape, (ImageShape{1, 1, 1}));
  EXPECT_EQ(record.values[2].pixels.row<std::uint8_t>(0)[0], 7);
  EXPECT_EQ(record.values[3].bytes.size(), 2 * sizeof(Box));
  Box box;
  std::memcpy(&box, record.values[3].bytes.data() + sizeof box, sizeof box);
  EXPECT_EQ(box.label, 5);
  KeyPoint point;
  std::memcpy(&point, record.values[4].bytes.data(), sizeof point);
  EXPECT_EQ(point.x, 1.5f);
  EXPECT_EQ(record.values[5].pixels.shape, (ImageShape{4, 4, 1}));
  EXPECT_EQ(record.values[5].pixels.row<std::uint8_t>(0)[0], 9);

  const std::uint64_t before = dataset.fingerprint();
  targets.points[2].x = 1;
  EXPECT_NE(ArrayDataset(targets.beside(numbers.arrays())).fingerprint(), before);
}

TEST(ArrayDataset, RefusesTargetsThatDoNotFit) {
  const Numbers numbers;
  const Targets targets;
  const auto fault = [&](const std::function<void(ImageArrays&)>& spoil) {
    ImageArrays arrays = targets.beside(numbers.arrays());
    spoil(arrays);
    return error_of(ErrorCode::invalid_argument, [&] { ArrayDataset dataset(arrays); });
  };
  EXPECT_EQ(fault([](auto& a) { a.mask_size = {}; }),
            "memory: \"mask\" holds 3 values where 3 images need 4 each");
  EXPECT_THAT(fault([](auto& a) { a.boxes = a.boxes.first(5); }),
              HasSubstr("5 boxes cannot be shared out among 3 images"));
  EXPECT_THAT(fault([&](auto& a) { a.f32_seconds = numbers.floats; }),
              HasSubstr("of the same type as the images"));
  EXPECT_THAT(fault([](auto& a) { a.second_shape = {4, -4, 1}; }), HasSubstr("must be positive"));
}

TEST(ArrayDataset, FingerprintIsOfTheContents) {
  const Numbers numbers;
  const Numbers same;
  Numbers other_pixels;
  other_pixels.pixels.back() ^= 1;
  Numbers other_labels;
  other_labels.labels.back() = 0;
  const auto of = [](const Numbers& n) { return ArrayDataset(n.arrays()).fingerprint(); };
  EXPECT_EQ(of(numbers), of(same));
  EXPECT_NE(of(numbers), of(other_pixels));
  EXPECT_NE(of(numbers), of(other_labels));
}

TEST(Subset, IsARangeWithTheSameKeys) {
  const Numbers numbers;
  const auto whole = std::make_shared<const ArrayDataset>(numbers.arrays());
  const Subset part(whole, 1, 2);
  ASSERT_EQ(part.size(), 2);
  EXPECT_EQ(part.label(0), 0);
  EXPECT_EQ(part.label(1), 1);
  EXPECT_EQ(part.key(1), "memory: record 2");
  EXPECT_EQ(part.info().name, "memory");
  Record record;
  part.read(0, record);
  EXPECT_EQ(record.values[0].pixels.row<std::uint8_t>(0)[0], 4);
  EXPECT_NE(part.fingerprint(), whole->fingerprint());
  EXPECT_NE(part.fingerprint(), Subset(whole, 0, 2).fingerprint());
  EXPECT_EQ(part.fingerprint(), Subset(whole, 1, 2).fingerprint());
}

TEST(Subset, RefusesARangeOutside) {
  const Numbers numbers;
  const auto whole = std::make_shared<const ArrayDataset>(numbers.arrays());
  const std::vector<std::pair<std::int64_t, std::int64_t>> ranges = {
      {-1, 1}, {0, 0}, {0, 4}, {3, 1}, {4, 1}, {1, INT64_MAX}};
  for (const auto& range : ranges) {
    EXPECT_THAT(
        error_of(ErrorCode::invalid_argument, [&] { Subset(whole, range.first, range.second); }),
        HasSubstr("it has 3"));
  }
}

}  // namespace
}  // namespace headrace
