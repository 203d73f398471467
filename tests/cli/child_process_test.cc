#include "headrace/cli/child_process.h"

#include <gtest/gtest.h>

#include <chrono>

#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ChildProcess, TakesInputAndGivesOutput) {
  const std::string input(1 << 20, 'x');  // more than a pipe holds
  const ChildResult result = run_child({"cat"}, input, seconds(60));
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.output, input);
}

TEST(ChildProcess, TellsErrorsAndExitStatus) {
  const ChildResult result = run_child({"sh", "-c", "echo no >&2; exit 3"}, "", seconds(60));
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_EQ(result.errors, "no\n");
}

TEST(ChildProcess, InputThatNobodyReadsIsNoError) {
  const ChildResult result = run_child({"true"}, std::string(1 << 20, 'x'), seconds(60));
  EXPECT_EQ(result.exit_status, 0);
}

TEST(ChildProcess, MissingProgramIsNamed) {
  try {
    run_child({"headrace-no-such-program"}, "", seconds(60));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_STREQ(error.what(), "headrace-no-such-program: No such file or directory");
  }
}

TEST(ChildProcess, EndsWhatRunsTooLong) {
  EXPECT_THROW(run_child({"sleep", "600"}, "", milliseconds(50)), Error);
}

TEST(ChildProcess, EndsWhatClosedItsOutputsAndGoesOn) {
  EXPECT_THROW(run_child({"sh", "-c", "exec >&- 2>&-; exec sleep 600"}, "", milliseconds(200)),
               Error);
}

}  // namespace
}  // namespace headrace::cli
