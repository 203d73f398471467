#include "headrace/pipeline/array_sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "../support/error_matcher.h"
#include "headrace/pipeline/loader.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// 50 samples: number n has values 3n, 3n + 1, 3n + 2, the byte n and the label -n.
struct Arrays {
  Arrays() {
    std::iota(values.begin(), values.end(), 0.0f);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    std::iota(labels.begin(), labels.end(), -49);
    std::reverse(labels.begin(), labels.end());
  }
  std::vector<FieldArray> fields() const {
    return {{"x", values, {3, 1}}, {"byte", bytes}, {"label", labels}};
  }
  std::vector<float> values = std::vector<float>(150);
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(50);
  std::vector<std::int32_t> labels = std::vector<std::int32_t>(50);
};

std::vector<int> epoch_of(const ArraySequence& sequence, std::uint64_t epoch) {
  std::vector<int> order;
  const Batch batch = make_batch(sequence, epoch, 0, 50);
  for (std::size_t row = 0; row < 50; ++row) {
    const int n = batch.field("byte").as<std::uint8_t>()[row];
    order.push_back(n);
    EXPECT_EQ(batch.field("label").as<std::int32_t>()[row], -n);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(batch.field("x").as<float>()[3 * row + i],
                static_cast<float>(n) * 3 + static_cast<float>(i));
    }
  }
  return order;
}

TEST(ArraySequence, EachEpochHasEverySampleOnceInAnOrderOfItsOwn) {
  const Arrays arrays;
  const ArraySequence sequence(arrays.fields());
  EXPECT_EQ(sequence.spec().fields[0], (FieldSpec{"x", ElementType::f32, {3, 1}}));
  EXPECT_EQ(sequence.spec().fields[2], (FieldSpec{"label", ElementType::i32, {}}));
  auto first = epoch_of(sequence, 0);
  EXPECT_EQ(epoch_of(sequence, 0), first);
  EXPECT_NE(epoch_of(sequence, 1), first);
  EXPECT_NE(epoch_of(ArraySequence(arrays.fields(), {.seed = 1}), 0), first);
  std::vector<int> all(50);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(epoch_of(ArraySequence(arrays.fields(), {.shuffle = Shuffle::none}), 3), all);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, all);
}

TEST(ArraySequence, ItsFingerprintIsThatOfDataAndOrder) {
  Arrays arrays;
  const auto before = ArraySequence(arrays.fields()).fingerprint();
  EXPECT_EQ(ArraySequence(arrays.fields()).fingerprint(), before);
  EXPECT_NE(ArraySequence(arrays.fields(), {.seed = 1}).fingerprint(), before);
  arrays.values[7] += 1;
  EXPECT_NE(ArraySequence(arrays.fields()).fingerprint(), before);
}

TEST(ArraySequence, ArraysThatDoNotFitAreNamed) {
  const Arrays arrays;
  const auto refuse = [](std::vector<FieldArray> fields, auto message) {
    EXPECT_THAT([&] { ArraySequence sequence(fields); },
                throws_error(ErrorCode::invalid_argument, message));
  };
  refuse({}, HasSubstr("no arrays"));
  refuse({{"x", arrays.values, {7}}}, AllOf(HasSubstr("array x"), HasSubstr("150 values")));
  refuse({{"x", arrays.values, {3}}, {"y", std::span(arrays.labels).first(49)}},
         AllOf(HasSubstr("array y"), HasSubstr("49 samples"), HasSubstr("x has 50")));
  refuse({{"x", arrays.bytes}, {"x", arrays.labels}}, HasSubstr("two of that name"));
  refuse({{"x", std::span(arrays.values).first(0)}}, HasSubstr("no samples"));
  refuse({{"x", arrays.values, {0}}}, HasSubstr("extent"));
}

}  // namespace
}  // namespace headrace
