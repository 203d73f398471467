#include "headrace/pipeline/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

BatchSpec image_and_label() {
  return {{{"image", ElementType::f32, {2, 3, 1}}, {"label", ElementType::i32, {}}}};
}

TEST(FieldSpec, CountsElementsAndBytesOfOneSample) {
  const BatchSpec spec = image_and_label();
  EXPECT_EQ(spec.fields[0].elements(), 6);
  EXPECT_EQ(spec.fields[0].row_bytes(), 24u);
  EXPECT_EQ(spec.fields[1].elements(), 1);
  EXPECT_EQ(spec.fields[1].row_bytes(), 4u);
}

TEST(BatchSpec, FindsFieldsByNameAndNamesThoseThereAre) {
  const BatchSpec spec = image_and_label();
  EXPECT_EQ(spec.index_of("label"), 1u);
  EXPECT_TRUE(spec.has("image"));
  EXPECT_FALSE(spec.has("mask"));
  try {
    spec.index_of("mask");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr("\"mask\""));
    EXPECT_THAT(error.what(), HasSubstr("image, label"));
  }
}

TEST(Rows, PartsAddressTheSameMemory) {
  SlotPool pool(image_and_label(), 4, 1);
  const auto slot = pool.try_take();
  const Rows rows = slot->rows(4);
  const Rows part = rows.part(1, 3).part(1, 2);
  EXPECT_EQ(part.count(), 2);
  EXPECT_EQ(part.row(0, 0), rows.row(0, 2));
  EXPECT_EQ(part.row_as<std::int32_t>(1, 1), rows.row_as<std::int32_t>(1, 3));
  EXPECT_EQ(rows.row(0, 1) - rows.row(0, 0), 24);
}

TEST(Batch, ShowsWhatWasWrittenAndWhereItStands) {
  SlotPool pool(image_and_label(), 4, 1);
  auto slot = pool.try_take();
  for (std::int64_t row = 0; row < 3; ++row) {
    for (int i = 0; i < 6; ++i)
      slot->rows(3).row_as<float>(0, row)[i] = static_cast<float>(row * 6 + i);
    *slot->rows(3).row_as<std::int32_t>(1, row) = static_cast<std::int32_t>(row);
  }
  slot->describe(3, {2, 8}, {2, 11});
  const Batch batch = pool.lease(std::move(slot));
  EXPECT_EQ(batch.size(), 3);
  EXPECT_EQ(batch.begin(), (Position{2, 8}));
  EXPECT_EQ(batch.end(), (Position{2, 11}));
  EXPECT_EQ(batch.spec(), image_and_label());
  EXPECT_EQ(batch.field("image").as<float>().size(), 18u);
  EXPECT_EQ(batch.field("image").as<float>()[17], 17.0f);
  EXPECT_EQ(batch.field(1).as<std::int32_t>()[2], 2);
  EXPECT_THROW(batch.field("mask"), Error);
  EXPECT_THROW(batch.field(2), Error);
}

}  // namespace
}  // namespace headrace
