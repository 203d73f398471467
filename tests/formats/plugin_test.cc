#include "headrace/pipeline/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "headrace/formats/opencv_codecs/interface.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Error error_of(const std::string& name) {
  try {
    const Plugin plugin(name);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "opened " << name;
  return Error(ErrorCode::backend, "");
}

TEST(Plugin, AMissingOneSaysWhereItWasLookedForAndWhatToDo) {
  setenv("HEADRACE_PLUGIN_DIR", "/no/such/folder", 1);
  const Error error = error_of("headrace_no_such");
  unsetenv("HEADRACE_PLUGIN_DIR");
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("needs the plugin headrace_no_such.so"),
                                  HasSubstr("HEADRACE_PLUGIN_DIR (looked in /no/such/folder, "),
                                  HasSubstr("lib/headrace")));
}

TEST(Plugin, AFileThatIsNoLibrarySaysSo) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "headrace_plugin_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "headrace_text.so") << "not a library";
  setenv("HEADRACE_PLUGIN_DIR", folder.c_str(), 1);
  const Error error = error_of("headrace_text");
  unsetenv("HEADRACE_PLUGIN_DIR");
  std::filesystem::remove_all(folder);
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_THAT(error.what(), HasSubstr("headrace_text.so"));
}

TEST(Plugin, IsFoundBesideTheProgramAndGivesItsFunctions) {
  const Plugin plugin("headrace_opencv_codecs");
  const auto version =
      plugin.function<headrace_opencv_get_version_function>("headrace_opencv_codecs_get_version");
  EXPECT_EQ(version(), headrace_opencv_codecs_version);
  EXPECT_THROW(plugin.function<void (*)()>("no_such_function"), Error);
}

}  // namespace
}  // namespace headrace
