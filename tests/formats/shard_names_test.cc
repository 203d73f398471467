#include "headrace/formats/shard_names.h"

#include <gmock/gmock.h>

#include "errors.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> expand(const std::string& pattern) {
  std::vector<std::string> names;
  for (const auto& path : expand_shards(pattern)) names.push_back(path.string());
  return names;
}

TEST(ExpandShards, CountsInBraces) {
  EXPECT_THAT(expand("t-{08..11}.tar"),
              ElementsAre("t-08.tar", "t-09.tar", "t-10.tar", "t-11.tar"));
  EXPECT_THAT(expand("{9..10}"), ElementsAre("9", "10"));
  EXPECT_THAT(expand("{a,b}/{0..1}.tar"), ElementsAre("a/0.tar", "a/1.tar", "b/0.tar", "b/1.tar"));
  EXPECT_THAT(expand("x.tar::{1..2}.tar"), ElementsAre("x.tar", "1.tar", "2.tar"));
  EXPECT_EQ(expand("{000..099}.tar").size(), 100U);
}

TEST(ExpandShards, MatchesFilesAndFolders) {
  const TempFolder folder;
  for (const char* name : {"b.tar", "a.tar", "c.txt", ".d.tar", "odd{1.tar"})
    folder.write(name, "");
  const std::string path = folder.path().string();
  EXPECT_THAT(expand(path + "/?.tar"), ElementsAre(path + "/a.tar", path + "/b.tar"));
  EXPECT_THAT(expand(path), ElementsAre(path + "/a.tar", path + "/b.tar", path + "/odd{1.tar"));
  EXPECT_THAT(expand(path + "/odd{1.tar"), ElementsAre(path + "/odd{1.tar"));
  EXPECT_TRUE(holds_shards(folder.path()));
  EXPECT_FALSE(holds_shards(folder / "none"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { expand(path + "/x*.tar"); }),
              HasSubstr("no file matches"));
  const TempFolder empty;
  EXPECT_THAT(error_of(ErrorCode::io, [&] { expand(path + "::" + empty.path().string()); }),
              HasSubstr("no *.tar in this folder"));
}

TEST(ExpandShards, RefusesBracesThatMakeNoSense) {
  for (const char* pattern : {"{1..", "{}", "{a}", "{3..1}", "{a..b}", "{1..{2}}", "{-1..2}"}) {
    EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { expand(pattern); }),
                HasSubstr(pattern));
  }
  for (const char* pattern : {"{0..1000000}", "{0..999}{0..999}{0..1}"}) {
    EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { expand(pattern); }),
                HasSubstr("more than 1,000,000"));
  }
}

}  // namespace
}  // namespace headrace
