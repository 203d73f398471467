#include "headrace/formats/views.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "errors.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/formats/file_list.h"
#include "headrace/formats/subset.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Records whose one pixel is its number, counted from `first`; labels as given, or none.
std::shared_ptr<const Dataset> numbers(const std::string& name, int first, std::size_t count,
                                       std::vector<std::int32_t> labels = {},
                                       std::vector<std::string> classes = {}) {
  struct Owned {
    std::vector<std::uint8_t> pixels;
    std::vector<std::int32_t> labels;
  };
  const auto owner = std::make_shared<Owned>();
  for (std::size_t i = 0; i < count; ++i) {
    owner->pixels.push_back(static_cast<std::uint8_t>(first + static_cast<int>(i)));
  }
  owner->labels = std::move(labels);
  ImageArrays arrays;
  arrays.shape = {1, 1, 1};
  arrays.u8_pixels = owner->pixels;
  arrays.labels = owner->labels;
  arrays.classes = std::move(classes);
  arrays.name = name;
  arrays.owner = owner;
  return std::make_shared<ArrayDataset>(std::move(arrays));
}

std::vector<int> contents(const Dataset& dataset) {
  std::vector<int> values;
  Record record;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, record);
    values.push_back(*record.values.at(0).pixels.row<std::uint8_t>(0));
    EXPECT_TRUE(dataset.try_read(i, record));
    EXPECT_EQ(*record.values.at(0).pixels.row<std::uint8_t>(0), values.back());
  }
  return values;
}

std::map<int, int> counts_of(const std::vector<int>& values) {
  std::map<int, int> counts;
  for (const int value : values) ++counts[value];
  return counts;
}

TEST(Views, ConcatenationKeepsOrderLabelsAndKeys) {
  const auto all =
      concatenate({numbers("a", 0, 2, {0, 1}, {"x", "y"}), numbers("b", 10, 1, {1}, {"x", "y"}),
                   numbers("c", 20, 2, {0, 0}, {"x", "y"})});
  EXPECT_THAT(contents(*all), ElementsAre(0, 1, 10, 20, 21));
  EXPECT_EQ(all->label(2), 1);
  EXPECT_EQ(all->key(3), "c: record 0");
  EXPECT_EQ(all->info().name, "a + b + c");
}

TEST(Views, DataSetsThatStandTogetherAreAlike) {
  const auto a = numbers("a", 0, 2, {0, 1}, {"x", "y"});
  const auto refusal = [&](const std::shared_ptr<const Dataset>& other) {
    return error_of(ErrorCode::invalid_argument, [&] { concatenate({a, other}); });
  };
  EXPECT_THAT(refusal(numbers("b", 0, 1, {0}, {"y", "x"})),
              AllOf(HasSubstr("b: its classes are not those of a"), HasSubstr("DataOptions")));
  EXPECT_THAT(refusal(numbers("b", 0, 1)), HasSubstr("b: its fields are not those of a"));
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [] { concatenate({}); }),
              HasSubstr("was given none"));
}

TEST(Views, RepetitionBeginsAgain) {
  EXPECT_THAT(contents(*repeat(numbers("a", 0, 2), 3)), ElementsAre(0, 1, 0, 1, 0, 1));
  for (const std::int64_t times : {std::int64_t{0}, std::int64_t{1} << 62}) {
    EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { repeat(numbers("a", 0, 2), times); }),
                HasSubstr("cannot be repeated"));
  }
}

TEST(Views, ShufflingIsAPermutationThatTheSeedChooses) {
  const auto a = numbers("a", 0, 100);
  const auto one = contents(*shuffled(a, 1));
  EXPECT_THAT(counts_of(one), ::testing::SizeIs(100));
  EXPECT_EQ(one, contents(*shuffled(a, 1)));
  EXPECT_NE(one, contents(*shuffled(a, 2)));
  EXPECT_NE(shuffled(a, 1)->fingerprint(), shuffled(a, 2)->fingerprint());
}

TEST(Views, ASplitHasEveryRecordOnce) {
  const auto a = numbers("a", 0, 101);
  const ShuffleSplit split = shuffle_split(a, 0.9, 7);
  EXPECT_EQ(split.first->size(), 91);
  EXPECT_EQ(split.second->size(), 10);
  auto all = contents(*split.first);
  const auto rest = contents(*split.second);
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), 101U);
  EXPECT_EQ(contents(*shuffle_split(a, 0.9, 7).second), rest);
  EXPECT_EQ(shuffle_split(numbers("b", 0, 2), 0.999).second->size(), 1);
  for (const double share : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { shuffle_split(a, share); }),
                HasSubstr("a share of it"));
  }
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [] { shuffle_split(numbers("c", 0, 1), 0.5); }),
              HasSubstr("too few"));
}

TEST(Views, AMixtureHasItsSharesAndAllRecords) {
  const auto mixture = mix({{numbers("a", 0, 30), 3}, {numbers("b", 100, 5), 1}});
  EXPECT_EQ(mixture->size(), 40);
  const auto values = contents(*mixture);
  const auto counts = counts_of(values);
  EXPECT_EQ(counts.size(), 35U);
  for (const auto& [value, count] : counts) EXPECT_EQ(count, value < 100 ? 1 : 2) << value;
  // Mixed: not all of one source first.
  EXPECT_LT(std::count_if(values.begin(), values.begin() + 30, [](int v) { return v < 100; }), 30);
  EXPECT_EQ(values, contents(*mix({{numbers("a", 0, 30), 3}, {numbers("b", 100, 5), 1}})));
}

TEST(Views, EveryRecordIsInAMixtureOfAnyWeights) {
  for (int i = 1; i <= 60; ++i) {
    const double weight = 0.37 * i;
    const auto mixture =
        mix({{numbers("a", 0, 7), 1}, {numbers("b", 50, 13), weight}, {numbers("c", 100, 3), 2}});
    EXPECT_EQ(counts_of(contents(*mixture)).size(), 23U) << weight;
  }
}

TEST(Views, AMixtureOfAGivenSizeSamples) {
  const auto mixture = mix({{numbers("a", 0, 90), 0.5}, {numbers("b", 100, 2), 0.5}}, {.size = 20});
  const auto values = contents(*mixture);
  EXPECT_EQ(std::count_if(values.begin(), values.end(), [](int v) { return v >= 100; }), 10);
  EXPECT_EQ(counts_of(values).size(), 12U);
  for (const double weight : {0.0, -1.0, HUGE_VAL}) {
    EXPECT_THAT(error_of(ErrorCode::invalid_argument,
                         [&] {
                           mix({{numbers("a", 0, 1), 1}, {numbers("b", 0, 1), weight}});
                         }),
                HasSubstr("b: its weight"));
  }
}

TEST(Views, BalancedClassesAreEquallyFrequent) {
  const auto balanced =
      class_balanced(numbers("a", 0, 6, {2, 0, 2, 2, 0, 2}, {"x", "none", "y", "also none"}));
  EXPECT_EQ(balanced->size(), 8);
  std::map<std::int64_t, int> labels;
  for (std::int64_t i = 0; i < balanced->size(); ++i) ++labels[balanced->label(i)];
  EXPECT_THAT(labels, ElementsAre(std::pair(0, 4), std::pair(2, 4)));
  EXPECT_THAT(counts_of(contents(*balanced)), ::testing::SizeIs(6));
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [] { class_balanced(numbers("a", 0, 2)); }),
              HasSubstr("a: record 0: it has no class"));
}

TEST(Views, Compose) {
  const auto a = numbers("a", 0, 4, {0, 1, 1, 1}, {"x", "y"});
  const auto b = numbers("b", 10, 2, {0, 0}, {"x", "y"});
  const auto all =
      class_balanced(repeat(concatenate({std::make_shared<Subset>(a, 1, 3), shuffled(b, 3)}), 2));
  EXPECT_EQ(all->size(), 12);
  EXPECT_THAT(counts_of(contents(*all)),
              ElementsAre(std::pair(1, 2), std::pair(2, 2), std::pair(3, 2), std::pair(10, 3),
                          std::pair(11, 3)));
}

TEST(Views, TheirContentIsKnownWhereThatOfAllIsAndChangesWithIt) {
  const TempFolder folder;
  folder.write("a.jpg", "one");
  folder.write("b.jpg", "two");
  folder.write("l.csv", "path,label\na.jpg,0\nb.jpg,1\n");
  const auto views = [&](const std::shared_ptr<const Dataset>& list) {
    return std::vector{concatenate({list, list}), repeat(list, 2),
                       shuffled(list, 1),         mix({{list, 1}, {list, 2}}),
                       class_balanced(list),      shuffle_split(list, 0.5).first};
  };
  const auto contents_of = [&] {
    std::vector<std::optional<std::uint64_t>> found;
    for (const auto& view : views(open_file_list(folder / "l.csv"))) {
      found.push_back(view->content_fingerprint());
      EXPECT_TRUE(found.back().has_value());
    }
    return found;
  };
  const auto before = contents_of();
  EXPECT_EQ(contents_of(), before);
  folder.write("b.jpg", "another");
  const auto after = contents_of();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NE(after[i], before[i]) << i;
}

}  // namespace
}  // namespace headrace
