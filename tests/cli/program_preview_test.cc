#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "headrace/cli/drawing.h"
#include "headrace/cli/png_writer.h"
#include "program_runs.h"

namespace headrace::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

using ProgramPreview = ProgramTest;

TEST_F(ProgramPreview, DrawsASheetAndAPage) {
  export_images();
  const Outcome drawn =
      headrace({"preview", "--data", path("train.csv"), "--images", "2", "--draws", "3",
                "--rotation", "20", "--out", path("sheet.png"), "--html", path("sheet.html")});
  ASSERT_EQ(drawn.status, 0) << drawn.errors;
  EXPECT_THAT(read_file(folder() / "sheet.png"), StartsWith("\x89PNG"));
  const std::string page = read_file(folder() / "sheet.html");
  EXPECT_THAT(page, AllOf(StartsWith("<!DOCTYPE html>"), HasSubstr("turned "),
                          HasSubstr("data:image/png;base64,iVBOR")));
  // An original and three draws of each of two images.
  std::size_t pictures = 0;
  for (std::size_t at = page.find("<img"); at != std::string::npos;
       at = page.find("<img", at + 1)) {
    ++pictures;
  }
  EXPECT_EQ(pictures, 8u);
}

TEST_F(ProgramPreview, DrawsWhatMovesWithTheImages) {
  export_images();
  const std::string list = read_file(path("train.csv"));
  const std::size_t begin = list.find("images/");
  const std::string image = list.substr(begin, list.find(',', begin) - begin);
  write_text(folder() / "targets.csv", "path,label,mask,boxes,points,image2\n" + image + ",1," +
                                           image + ",1 1 7 6 2,3 3;-," + image + "\n");
  const auto draw = [&](const std::string& data) {
    const Outcome drawn =
        headrace({"preview", "--data", data, "--images", "1", "--draws", "2", "--horizontal-flip",
                  "--image-size", "48", "--out", path("sheet.png"), "--html", path("sheet.html")});
    EXPECT_EQ(drawn.status, 0) << drawn.errors;
    return read_file(folder() / "sheet.html");
  };
  const std::string page = draw(path("targets.csv"));
  EXPECT_THAT(page, HasSubstr("beside it: "));
  write_text(folder() / "plain.csv", "path,label\n" + image + ",1\n");
  EXPECT_THAT(draw(path("plain.csv")), Not(HasSubstr("beside it: ")));
}

TEST_F(ProgramPreview, ShowsTheRangeOfOneOperation) {
  export_images();
  const std::vector<std::string> options = {
      "preview",      "--data",  path("train.csv"), "--images",     "2",        "--rotation", "30",
      "--brightness", "0.5,1.5", "--html",          path("r.html"), "--animate"};
  const auto animate = [&](const char* operation) {
    std::vector<std::string> arguments = options;
    arguments.push_back(operation);
    return headrace(arguments);
  };
  const Outcome drawn = animate("rotation");
  ASSERT_EQ(drawn.status, 0) << drawn.errors;
  const std::string page = read_file(folder() / "r.html");
  EXPECT_THAT(page, AllOf(HasSubstr("rotation 30"), HasSubstr("type=\"range\""),
                          Not(HasSubstr("brightness"))));
  EXPECT_THAT(page, AllOf(HasSubstr("turned -2"), HasSubstr("turned 2")));  // both ends
  const Outcome other = animate("hue");
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.errors, HasSubstr("it has rotation, brightness"));
}

TEST_F(ProgramPreview, PlansAreThoseOfSeedEpochAndImage) {
  export_images();
  const auto plan = [&](const char* epoch) {
    const Outcome printed = headrace({"plan", "--data", path("train.csv"), "--images", "3",
                                      "--width-shift", "0.2", "--epoch", epoch, "--seed", "4"});
    EXPECT_EQ(printed.status, 0) << printed.errors;
    return Json::parse(printed.output);
  };
  const Json first = plan("0");
  ASSERT_EQ(first["plans"].size(), 3u);
  EXPECT_EQ(first, plan("0"));
  EXPECT_NE(first["plans"][0]["plan"], plan("1")["plans"][0]["plan"]);
  EXPECT_THAT(first["plans"][0]["key"].get<std::string>(), HasSubstr("train.csv"));
}

TEST_F(ProgramPreview, ARecipeIsTheSameAsOptionsAndAsAFile) {
  export_images();
  write_text(folder() / "recipe.toml",
             "rotation = 20\nzoom = [0.8, 1.2]\nposterize = [4, 0.5]\nfill_mode = \"reflect\"\n");
  const auto recipe = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"plan", "--data", path("train.csv")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome printed = headrace(arguments);
    EXPECT_EQ(printed.status, 0) << printed.errors;
    return Json::parse(printed.output)["recipe"];
  };
  const Json by_options = recipe(
      {"--rotation", "20", "--zoom", "0.8,1.2", "--posterize", "4,0.5", "--fill-mode", "reflect"});
  EXPECT_EQ(recipe({"--recipe", path("recipe.toml")}), by_options);
  write_text(folder() / "again.json", by_options.dump());
  EXPECT_EQ(recipe({"--recipe", path("again.json")}), by_options);
}

TEST_F(ProgramPreview, WhatIsWrongWithARecipeIsNamed) {
  export_images();
  write_text(folder() / "wrong.toml", "rotation = 20\nzoom = [0.8, 1.2\n");
  const Outcome broken =
      headrace({"plan", "--data", path("train.csv"), "--recipe", path("wrong.toml")});
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.errors, HasSubstr("wrong.toml:"));
  write_text(folder() / "wide.toml", "rotation = 720\n");
  const Outcome wide =
      headrace({"plan", "--data", path("train.csv"), "--recipe", path("wide.toml")});
  EXPECT_THAT(wide.errors, AllOf(HasSubstr("wide.toml"), HasSubstr("a number from 0 to 360")));
  const Outcome beyond = headrace({"plan", "--data", path("train.csv"), "--first", "200"});
  EXPECT_THAT(beyond.errors, HasSubstr("holds 200 images"));
}

TEST(Drawing, LettersAreDotsAndLinesBreakBetweenWords) {
  Image image({10, 14, 3});
  fill_rectangle(image, {0, 0, 10, 14}, {9, 9, 9});
  draw_text(image, 1, 1, "I\xE9", {200, 0, 0});
  // The bar of the I is its third column.
  for (int y = 1; y < 8; ++y) EXPECT_EQ(image.row<std::uint8_t>(y)[3 * 3], 200);
  EXPECT_EQ(image.row<std::uint8_t>(0)[3 * 3], 9);
  draw_text(image, 12, 8, "W", {200, 0, 0});  // most of it beside the image
  EXPECT_EQ(wrap_text("one two three", 8), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap_text("abcdefgh", 5), (std::vector<std::string>{"abcde", "fgh"}));
}

}  // namespace
}  // namespace headrace::cli
