#include "headrace/pipeline/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

TEST(DatasetInfo, FindsFieldsByNameAndNamesThoseThereAre) {
  DatasetInfo info;
  info.name = "train.csv";
  info.fields.resize(2);
  info.fields[0].name = "image";
  info.fields[1].name = "label";
  EXPECT_EQ(info.index_of("label"), 1u);
  try {
    info.index_of("mask");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_STREQ(error.what(),
                 "train.csv: no field \"mask\" in this data set; it has: image, label");
  }
}

TEST(RecordValue, KeepsItsBufferFromScalarToScalar) {
  RecordValue value;
  value.set_scalar(std::int32_t{7});
  const std::byte* buffer = value.bytes.data();
  value.set_scalar(std::int32_t{-2});
  EXPECT_EQ(value.bytes.data(), buffer);
  std::int32_t read = 0;
  ASSERT_EQ(value.bytes.size(), sizeof read);
  std::memcpy(&read, value.bytes.data(), sizeof read);
  EXPECT_EQ(read, -2);
}

}  // namespace
}  // namespace headrace
