#include "headrace/train/launch_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "../support/error_matcher.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/process_group.h"

namespace headrace {
namespace {

const char* const names[] = {"RANK",        "WORLD_SIZE",        "LOCAL_RANK",
                             "MASTER_ADDR", "MASTER_PORT",       "OMPI_COMM_WORLD_SIZE",
                             "PMI_SIZE",    "HEADRACE_LAUNCHER", "TORCHELASTIC_USE_AGENT_STORE"};

class LaunchEnvironmentTest : public ::testing::Test {
 protected:
  LaunchEnvironmentTest() {
    for (const char* name : names) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      ::unsetenv(name);
    }
  }
  ~LaunchEnvironmentTest() override {
    for (const char* name : names) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  static void expect_refused(const std::string& what) {
    EXPECT_THAT([] { launch_environment(); },
                throws_error(ErrorCode::invalid_argument, ::testing::HasSubstr(what)));
  }
  static void set(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::map<std::string, std::string> before_;
};

TEST_F(LaunchEnvironmentTest, IsNothingWithoutALauncher) {
  EXPECT_FALSE(launch_environment());
  EXPECT_EQ(launched_processes(), 1);
}

TEST_F(LaunchEnvironmentTest, IsWhatTorchrunTells) {
  set({{"RANK", "5"},
       {"WORLD_SIZE", "8"},
       {"LOCAL_RANK", "1"},
       {"MASTER_ADDR", "node0"},
       {"MASTER_PORT", "12345"}});
  const auto found = launch_environment();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 5);
  EXPECT_EQ(found->world_size, 8);
  EXPECT_EQ(found->local_rank, 1);
  EXPECT_EQ(found->master_addr, "node0");
  EXPECT_EQ(found->master_port, 12345);
  EXPECT_FALSE(found->launcher_serves);
  EXPECT_EQ(launched_processes(), 8);
  // Its agent listens at the port itself.
  set({{"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  EXPECT_EQ(launch_environment()->master_port, 12346);
}

TEST_F(LaunchEnvironmentTest, NamesTheVariableThatIsMissingOrWrong) {
  set({{"WORLD_SIZE", "2"}});
  expect_refused("RANK is not");
  set({{"RANK", "2"}, {"MASTER_ADDR", "node0"}});
  expect_refused("RANK=2 is not a number of 0 to 1");
  set({{"RANK", "1x"}});
  expect_refused("RANK=1x");
  set({{"RANK", "1"}, {"MASTER_PORT", "70000"}});
  expect_refused("MASTER_PORT=70000");
  set({{"MASTER_PORT", "29500"}, {"MASTER_ADDR", ""}});
  expect_refused("MASTER_ADDR is not");
}

}  // namespace
}  // namespace headrace
