#include "headrace/cli/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

using testing::HasSubstr;

TEST(Help, WrapsBetweenWords) {
  EXPECT_EQ(wrapped("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(wrapped("", 7, 2), "");
  EXPECT_EQ(wrapped("longerthanthewidth x", 7, 0), "longerthanthewidth\nx");
}

TEST(Help, ShowsDefaultsAndWhatIsRequired) {
  CLI::App app("does a thing", "thing");
  app.formatter(std::make_shared<HelpFormatter>());
  int size = 32;
  std::string data;
  app.add_option("--batch-size", size, "Images in a step")->type_name("N")->capture_default_str();
  app.add_option("--data", data, "Images")->type_name("PATH")->required();
  const std::string help = app.help();
  EXPECT_THAT(help, HasSubstr("--batch-size N"));
  EXPECT_THAT(help, HasSubstr("Images in a step [32]"));
  EXPECT_THAT(help, HasSubstr("Images (required)"));
}

}  // namespace
}  // namespace headrace::cli
