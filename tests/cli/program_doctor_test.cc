// headrace doctor, as a user would call it.

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "program_runs.h"

namespace headrace::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ProgramDoctor : public ProgramTest {
 protected:
  // 200 sound images, one that is cut, one that is no image, and one that is there twice.
  ProgramDoctor() {
    export_images();
    const std::string sound = read_file(folder() / "images/train/0/000000.jpg");
    write_text(folder() / "half.jpg", sound.substr(0, sound.size() * 3 / 4));
    write_text(folder() / "text<&>.jpg", "this is text and no picture at all\n");
    write_text(folder() / "again.jpg", sound);
    write_text(folder() / "all.csv",
               read_file(folder() / "train.csv") + "half.jpg,0\ntext<&>.jpg,1\nagain.jpg,1\n");
  }

  Outcome doctor(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"doctor", "--data", path("all.csv")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return headrace(std::move(arguments));
  }
  std::int64_t images_of(const std::string& data) {
    const Outcome outcome = headrace(
        {"bench", "loader", "--data", path(data), "--epochs", "1", "--batch-size", "16", "--json"});
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return outcome.status == 0 ? json::parse(outcome.output)["images"].get<std::int64_t>() : -1;
  }
};

TEST_F(ProgramDoctor, ReportsInWordsAndAsJson) {
  const Outcome words = doctor({});
  ASSERT_EQ(words.status, 0) << words.errors;
  EXPECT_THAT(words.output,
              AllOf(HasSubstr("all.csv: 203 images in "), HasSubstr("ends early: 1 (unusable)\n"),
                    HasSubstr("half.jpg: JPEG ends after"), HasSubstr("no image: 1 (unusable)\n"),
                    HasSubstr("JPEG 202")));
  const Outcome outcome = doctor({"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const json result = json::parse(outcome.output);
  EXPECT_EQ(result["images"], 203);
  EXPECT_EQ(result["unusable"], 2);
  EXPECT_EQ(result["findings"]["truncated"], 1);
  EXPECT_EQ(result["findings"]["no-image"], 1);
  EXPECT_GE(result["findings"]["two-labels"], 2);
  EXPECT_EQ(result["classes"].size(), 2u);
  EXPECT_EQ(result["height"]["median"], 8);
}

TEST_F(ProgramDoctor, APageNeedsNoOtherFile) {
  ASSERT_EQ(doctor({"--html", path("all.html")}).status, 0);
  const std::string page = read_file(path("all.html"));
  EXPECT_THAT(page, AllOf(HasSubstr("<h2>ends early: 1</h2>"), HasSubstr("text&lt;&amp;>.jpg"),
                          HasSubstr("src=\"data:image/jpeg;base64,/9j/"), HasSubstr("<svg"),
                          Not(HasSubstr("text<&>")), Not(HasSubstr("src=\"http"))));
}

TEST_F(ProgramDoctor, AManifestIsDataWithoutWhatIsBad) {
  const Outcome outcome = doctor({"--manifest", path("all.manifest")});
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("loads 201 images and leaves out 2"));
  EXPECT_FALSE(std::filesystem::exists(path("all.manifest.partial")));
  EXPECT_EQ(images_of("all.manifest"), 201);
  ASSERT_EQ(doctor({"--manifest", path("all.manifest"), "--leave-out", "two-labels"}).status, 0);
  EXPECT_LT(images_of("all.manifest"), 200);
  write_text(path("all.csv"), read_file(path("train.csv")));
  const Outcome changed = headrace({"bench", "loader", "--data", path("all.manifest")});
  EXPECT_EQ(changed.status, 1);
  EXPECT_THAT(changed.errors, HasSubstr("has changed since then: run headrace doctor again"));
}

TEST_F(ProgramDoctor, WhatItCannotDoItSays) {
  const Outcome outcome = doctor({"--manifest", path("m"), "--leave-out", "cmyk,blue"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.errors, HasSubstr("is none of what can be found: unreadable, empty"));
}

}  // namespace
}  // namespace headrace::cli
