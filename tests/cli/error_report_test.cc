#include "headrace/cli/error_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NamedReport three_bad() {
  NamedReport named;
  named.data = "a.csv";
  named.report.policy = ErrorPolicy::skip;
  named.report.size = 2000;
  named.report.limit = 20;
  named.report.replaced = 6;
  for (int i = 0; i < 3; ++i) {
    FailedRecord record;
    record.index = 10 * i;
    record.key = "a.csv:" + std::to_string(10 * i + 2) + ": x, " + std::to_string(i) + ".jpg";
    record.reason = "no JPEG";
    record.times = 2;
    named.report.records.push_back(record);
  }
  return named;
}

TEST(ErrorReport, KeysAreTakenApart) {
  const RecordPlace place = place_of("dir/a.csv:812: cats/8: 1.jpg", "dir/a.csv");
  EXPECT_EQ(place.list, "dir/a.csv");
  EXPECT_EQ(place.line, "812");
  EXPECT_EQ(place.path, "cats/8: 1.jpg");
}

TEST(ErrorReport, KeysOfNoListAreThePath) {
  for (const char* key : {"dir/cats/1.jpg", "memory: record 8", "memory:x: y", "memory:"}) {
    const RecordPlace place = place_of(key, "memory");
    EXPECT_EQ(place.path, key);
    EXPECT_THAT(place.line, IsEmpty());
  }
}

TEST(ErrorReport, CsvNamesListLinePathAndReason) {
  const NamedReport named = three_bad();
  EXPECT_THAT(to_csv({&named, 1}),
              testing::StartsWith("list,line,path,reason,times\na.csv,2,\"x, 0.jpg\",no JPEG,2\n"));
}

TEST(ErrorReport, JsonListsThem) {
  const NamedReport named = three_bad();
  const Json json = to_json({&named, 1});
  EXPECT_EQ(json["policy"], "skip");
  EXPECT_EQ(json["images"], 3);
  EXPECT_EQ(json["replaced"], 6);
  EXPECT_EQ(json["listed"][2]["line"], 22);
}

TEST(ErrorReport, SummaryTellsHowManyAndTheFirst) {
  NamedReport named = three_bad();
  const auto lines = summary({&named, 1}, "");
  EXPECT_EQ(lines.size(), 4u);
  EXPECT_EQ(
      lines[0],
      "a.csv: 3 of 2,000 images cannot be used (20 may be bad); 6 samples replaced by others");
  EXPECT_EQ(lines[1], "  a.csv:2: x, 0.jpg: no JPEG");
  for (int i = 0; i < 7; ++i) named.report.records.push_back(named.report.records[0]);
  EXPECT_EQ(summary({&named, 1}, "").back(), "  and 5 more: --error-report FILE lists them");
  EXPECT_EQ(summary({&named, 1}, "bad.csv").back(), "  and 5 more: see bad.csv");
  named.report.policy = ErrorPolicy::blank;
  EXPECT_THAT(summary({&named, 1}, "")[0], HasSubstr("left blank"));
  named.left_out = true;
  EXPECT_THAT(summary({&named, 1}, "")[0], HasSubstr("left out"));
}

TEST(ErrorReport, WithoutBadImagesThereIsNothingToSay) {
  const NamedReport none;
  EXPECT_THAT(summary({&none, 1}, "bad.csv"), IsEmpty());
  EXPECT_EQ(to_csv({&none, 1}), "list,line,path,reason,times\n");
}

TEST(ErrorReport, BadOnesOfARange) {
  EXPECT_THAT(bad_among(three_bad().report, 5, 20), ElementsAre(10));
  EXPECT_THAT(bad_among(three_bad().report, 0, 21), ElementsAre(0, 10, 20));
}

}  // namespace
}  // namespace headrace::cli
