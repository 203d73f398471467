#include <gmock/gmock.h>

#include <set>

#include "errors.h"
#include "headrace/formats/open_dataset.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ViewLocation : public ::testing::Test {
 protected:
  ViewLocation() {
    a_ = folder_.write("a.csv", "1.jpg,cat\n2.jpg,dog\n3.jpg,dog\n").string();
    b_ = folder_.write("b.csv", "4.jpg,dog\n").string();
  }

  static std::vector<std::int64_t> labels_of(const std::string& location,
                                             const DataOptions& options = {}) {
    const auto dataset = open_dataset(location, options);
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < dataset->size(); ++i) labels.push_back(dataset->label(i));
    return labels;
  }

  TempFolder folder_;
  std::string a_;
  std::string b_;
};

TEST_F(ViewLocation, UnionsHaveTheClassesOfTheFirst) {
  EXPECT_THAT(labels_of("union:" + a_ + " + " + b_), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(labels_of("union:" + a_ + " + " + b_, {.classes = {"dog", "cat"}}),
              ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { labels_of("union:" + b_ + " + " + a_); }),
              HasSubstr("label 'cat' is not one of the 1 classes"));
}

TEST_F(ViewLocation, ViewsCompose) {
  EXPECT_EQ(labels_of("mix:0.5 " + a_ + " + 0.5 " + b_).size(), 6U);
  EXPECT_THAT(labels_of("balanced:list:" + a_), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(labels_of("repeat:2:" + b_), ElementsAre(0, 0));
  EXPECT_EQ(labels_of("balanced:union:" + a_ + " + repeat:3:" + b_).size(), 10U);
}

TEST_F(ViewLocation, ASplitAndItsRestHaveEveryRecordOnce) {
  std::set<std::string> keys;
  for (const char* part : {"split:0.7:", "rest:0.7:"}) {
    const auto dataset = open_dataset(part + a_);
    for (std::int64_t i = 0; i < dataset->size(); ++i) keys.insert(dataset->key(i));
  }
  EXPECT_EQ(keys.size(), 3U);
  EXPECT_EQ(open_dataset("split:0.7:" + a_)->size(), 2);
}

TEST_F(ViewLocation, SaysHowToWriteOne) {
  const auto refusal = [](const std::string& location) {
    return error_of(ErrorCode::invalid_argument, [&] { open_dataset(location); });
  };
  EXPECT_THAT(refusal("mix:" + a_ + " + " + b_), HasSubstr("mix:0.7 A + 0.3 B"));
  EXPECT_THAT(refusal("mix:0.7"), HasSubstr("mix:0.7 A + 0.3 B"));
  EXPECT_THAT(refusal("repeat:" + a_), HasSubstr("repeat:3:A"));
  EXPECT_THAT(refusal("repeat:0:" + a_), HasSubstr("repeat:3:A"));
  EXPECT_THAT(refusal("split:" + a_), HasSubstr("split:0.9:A"));
  EXPECT_THAT(refusal("split:1.5:" + a_), HasSubstr("above 0 and below 1"));
}

}  // namespace
}  // namespace headrace
