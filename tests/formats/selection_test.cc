#include "headrace/formats/selection.h"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "headrace/formats/array_dataset.h"
#include "headrace/formats/file_list.h"
#include "headrace/formats/subset.h"
#include "headrace/pipeline/error.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const Dataset> list_of(const std::string& labels) {
  std::string text;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += std::to_string(i) + ".jpg," + labels[i] + "\n";
  }
  return parse_file_list(text, "l.csv");
}

std::vector<std::string> names_of(const Dataset& dataset) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const std::string key = dataset.key(i);
    names.push_back(key.substr(key.rfind(' ') + 1));
  }
  return names;
}

TEST(ValidationSplit, TakesTheFirstOfEachClass) {
  const ValidationSplit split = split_validation(list_of("aabbabaab"), 0.5);
  EXPECT_THAT(names_of(*split.validation), ElementsAre("0.jpg", "1.jpg", "2.jpg", "3.jpg"));
  EXPECT_THAT(names_of(*split.training), ElementsAre("4.jpg", "5.jpg", "6.jpg", "7.jpg", "8.jpg"));
  EXPECT_EQ(split.training->label(1), 1);
  EXPECT_EQ(split.validation->info().classes, split.training->info().classes);
}

TEST(ValidationSplit, RoundsDownAsKerasDoes) {
  // int(0.2 * 15) == 3, int(0.29 * 100) == 28
  EXPECT_EQ(split_validation(list_of(std::string(15, 'a')), 0.2).validation->size(), 3);
  EXPECT_EQ(split_validation(list_of(std::string(100, 'a')), 0.29).validation->size(), 28);
}

TEST(ValidationSplit, TakesTheFirstOfAllWithoutLabels) {
  const auto list = parse_file_list("a.jpg\nb.jpg\nc.jpg\nd.jpg\n", "l.txt");
  const ValidationSplit split = split_validation(list, 0.25);
  EXPECT_THAT(names_of(*split.validation), ElementsAre("a.jpg"));
}

TEST(ValidationSplit, RefusesSharesThatLeaveNothing) {
  EXPECT_THROW(split_validation(list_of("aabb"), 0.2), Error);
  for (const double fraction : {0.0, 1.0, -0.5, 2.0}) {
    EXPECT_THROW(split_validation(list_of("aabb"), fraction), Error) << fraction;
  }
}

TEST(ValidationSplit, PartsHaveFingerprintsOfTheirOwn) {
  const auto list = list_of("aabbabaab");
  const ValidationSplit half = split_validation(list, 0.5);
  const ValidationSplit third = split_validation(list, 0.34);
  EXPECT_NE(half.training->fingerprint(), half.validation->fingerprint());
  EXPECT_NE(half.training->fingerprint(), third.training->fingerprint());
  EXPECT_EQ(half.training->fingerprint(), split_validation(list, 0.5).training->fingerprint());
}

TEST(Selection, RefusesRecordsThatAreNotThere) {
  EXPECT_THROW(Selection(list_of("ab"), {0, 2}), Error);
  EXPECT_THROW(Selection(list_of("ab"), {-1}), Error);
  EXPECT_THROW(Selection(list_of("ab"), {}), Error);
}

TEST(ContentFingerprint, DiffersWhenAFileDoes) {
  const TempFolder folder;
  folder.write("a.jpg", "one");
  folder.write("b.jpg", "two");
  folder.write("l.csv", "a.jpg,0\nb.jpg,0\n");
  const auto print = [&] {
    return open_file_list(folder / "l.csv")->content_fingerprint().value();
  };
  const std::uint64_t first = print();
  EXPECT_EQ(print(), first);
  folder.write("b.jpg", "three");
  const std::uint64_t longer = print();
  EXPECT_NE(longer, first);
  std::filesystem::last_write_time(
      folder / "b.jpg", std::filesystem::last_write_time(folder / "b.jpg") - std::chrono::hours(1));
  EXPECT_NE(print(), longer);
  std::filesystem::remove(folder / "b.jpg");
  EXPECT_NE(print(), longer);
  EXPECT_NE(split_validation(open_file_list(folder / "l.csv"), 0.5).training->content_fingerprint(),
            open_file_list(folder / "l.csv")->content_fingerprint());
}

TEST(ContentFingerprint, OfArraysIsOfTheirPixels) {
  std::vector<std::uint8_t> pixels(2 * 4, 7);
  const auto print = [&] {
    const auto arrays =
        std::make_shared<ArrayDataset>(ImageArrays{.shape = {2, 2, 1}, .u8_pixels = pixels});
    return Subset(arrays, 0, 1).content_fingerprint().value();
  };
  const std::uint64_t before = print();
  pixels[7] = 8;
  EXPECT_NE(print(), before);
}

}  // namespace
}  // namespace headrace
