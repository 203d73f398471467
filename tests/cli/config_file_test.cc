#include "headrace/cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    app_.add_option("--batch-size", batch_size_);
    app_.add_option("--data", data_);
    app_.add_flag("--horizontal-flip", flip_);
    app_.add_option("--config", config_)->configurable(false);
    app_.add_flag("--json", json_)->configurable(false);
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + name;
    std::ofstream(path) << text;
    return path;
  }
  std::string failure(const std::string& path) {
    try {
      with_config(app_, "train", {"--config", path});
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
  void parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    app_.parse(arguments);
  }

  CLI::App app_;
  int batch_size_ = 0;
  std::string data_;
  std::string config_;
  bool flip_ = false;
  bool json_ = false;
};

TEST_F(ConfigFile, TomlGivesOptions) {
  const auto path =
      write("a.toml", "batch-size = 64\ndata = \"a b.csv\"\nhorizontal-flip = true\n");
  EXPECT_THAT(read_config(path, "train"),
              UnorderedElementsAre(Pair("batch-size", "64"), Pair("data", "a b.csv"),
                                   Pair("horizontal-flip", "true")));
}

TEST_F(ConfigFile, ATableIsForItsCommandAlone) {
  const auto path =
      write("b.toml", "batch-size = 64\n[train]\nbatch-size = 32\n[bench.loader]\nepochs = 3\n");
  EXPECT_THAT(read_config(path, "train"), ElementsAre(Pair("batch-size", "32")));
  EXPECT_THAT(read_config(path, "bench loader"),
              UnorderedElementsAre(Pair("epochs", "3"), Pair("batch-size", "64")));
}

TEST_F(ConfigFile, ARunsRecordGivesItsOptions) {
  const auto path = write("run.json", R"({"command": "train", "options": {"batch-size": 16,
      "horizontal-flip": false}, "outcome": {"status": "finished"}})");
  EXPECT_THAT(read_config(path, "train"),
              UnorderedElementsAre(Pair("batch-size", "16"), Pair("horizontal-flip", "false")));
}

TEST_F(ConfigFile, TheCommandLineGoesBeforeTheFile) {
  const auto path = write("c.toml", "batch-size = 64\ndata = \"file.csv\"\n");
  const auto arguments = with_config(app_, "train", {"--batch-size", "8", "--config=" + path});
  EXPECT_THAT(arguments, ElementsAre("--data=file.csv", "--batch-size", "8", "--config=" + path));
}

TEST_F(ConfigFile, FlagsAreSetAndUnset) {
  parse(with_config(app_, "train", {"--config", write("d.toml", "horizontal-flip = true\n")}));
  EXPECT_TRUE(flip_);
  parse(with_config(app_, "train", {"--config", write("e.toml", "horizontal-flip = false\n")}));
  EXPECT_FALSE(flip_);
}

TEST_F(ConfigFile, UnknownOptionIsNamedWithWhatWasMeant) {
  EXPECT_THAT(failure(write("f.toml", "batchsize = 64\n")),
              testing::AllOf(HasSubstr("f.toml: there is no option \"batchsize\""),
                             HasSubstr("did you mean --batch-size?")));
}

TEST_F(ConfigFile, WhatIsOnlyForTheCommandLineIsRefused) {
  EXPECT_THAT(failure(write("g.toml", "json = true\n")), HasSubstr("there is no option \"json\""));
}

TEST_F(ConfigFile, SyntaxErrorsNameTheLine) {
  EXPECT_THAT(failure(write("h.toml", "batch-size = 64\nbroken = = 3\n")), HasSubstr("h.toml:2: "));
}

TEST_F(ConfigFile, AMissingFileIsNamed) {
  EXPECT_THAT(failure("/nonexistent/x.toml"), HasSubstr("/nonexistent/x.toml"));
}

}  // namespace
}  // namespace headrace::cli
