// headrace pack, as a user would call it.

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class ProgramPack : public ProgramTest {
 protected:
  ProgramPack() { export_images(); }

  Outcome pack(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"pack", "--data", path("train.csv"), "--out",
                                          path("train.hpack")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return headrace(std::move(arguments));
  }
  std::string loader_fingerprint(const std::string& data) {
    const Outcome outcome =
        headrace({"bench", "loader", "--data", path(data), "--image-size", "8x8x3", "--epochs", "2",
                  "--batch-size", "16", "--horizontal-flip", "--fingerprint", "--json"});
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return outcome.status == 0 ? json::parse(outcome.output)["fingerprint"] : json("none");
  }
};

TEST_F(ProgramPack, LoadsTheSameBatchesAsTheFiles) {
  const Outcome outcome = pack({"--verify", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json result = json::parse(outcome.output);
  EXPECT_EQ(result["images"], 200);
  EXPECT_EQ(result["indexed"], 200);
  EXPECT_EQ(result["verified"], true);
  EXPECT_EQ(loader_fingerprint("train.hpack"), loader_fingerprint("train.csv"));
  EXPECT_THAT(pack({}).output, HasSubstr("200 images"));
  EXPECT_THAT(pack({}).output, HasSubstr("all of them there already"));
}

TEST_F(ProgramPack, RawPixelsAreWhatWouldBeDecoded) {
  const Outcome outcome = pack({"--raw", "--verify", "--shard-size", "16KiB"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr(" files"), HasSubstr("the same")));
  EXPECT_EQ(loader_fingerprint("train.hpack"), loader_fingerprint("train.csv"));
}

TEST_F(ProgramPack, ImagesBecomeSmaller) {
  ASSERT_EQ(pack({"--resize", "long:6", "--raw"}).status, 0);
  const Outcome plan = headrace({"plan", "--data", path("train.hpack"), "--image-size", "4x4x3"});
  EXPECT_EQ(plan.status, 0) << plan.errors;
  EXPECT_EQ(json::parse(plan.output)["plans"][0]["plan"]["source"],
            json({{"height", 6}, {"width", 6}}))
      << plan.output;
}

TEST_F(ProgramPack, WhatItCannotDoItSays) {
  EXPECT_EQ(pack({"--resize", "0"}).status, 2);
  EXPECT_EQ(pack({"--raw", "--quality", "50"}).status, 2);
  EXPECT_THAT(pack({"--shard-size", "much"}).errors, HasSubstr("much is no size such as 4GiB"));
  ASSERT_EQ(pack({}).status, 0);
  const Outcome other = pack({"--quality", "50"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.errors, HasSubstr("a pack of other data or by other options"));
  EXPECT_EQ(pack({"--quality", "50", "--overwrite"}).status, 0);
}

TEST_F(ProgramPack, OneThatWasKilledIsGoneOnWith) {
  ASSERT_EQ(pack({}).status, 0);
  const std::string whole = read_file(path("train.hpack"));
  std::filesystem::remove(path("train.hpack"));
  write_text(path("train.hpack.partial"), whole.substr(0, whole.size() / 2));
  const Outcome outcome = pack({"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_GT(json::parse(outcome.output)["kept"], 50);
  EXPECT_EQ(read_file(path("train.hpack")), whole);
}

}  // namespace
}  // namespace headrace::cli
