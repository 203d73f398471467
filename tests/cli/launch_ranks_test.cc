#include "headrace/cli/launch_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "../support/error_matcher.h"
#include "../support/temp_folder.h"
#include "headrace/cli/launcher.h"
#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RanksToLaunch, AreThoseAskedForOrOneForEachGpu) {
  ProcessOptions options;
  EXPECT_EQ(ranks_to_launch(options, {}), 0);
  EXPECT_EQ(ranks_to_launch(options, {2}), 0);
  EXPECT_EQ(ranks_to_launch(options, {0, 2}), 2);
  options.ranks = 2;
  EXPECT_EQ(ranks_to_launch(options, {}), 2);
  EXPECT_EQ(ranks_to_launch(options, {0}), 2);  // they share it
  EXPECT_EQ(ranks_to_launch(options, {0, 1}), 2);
  EXPECT_THAT(
      [&] {
        ranks_to_launch(options, {0, 1, 2});
      },
      throws_error(ErrorCode::invalid_argument, HasSubstr("--ranks 2 on 3 GPUs")));
}

// Ranks that know nothing of signals, as Headrace does in its first milliseconds.
Job job_of(const std::string& script, const std::filesystem::path& logs) {
  Job job;
  job.command = {"/bin/bash", "-c", script};
  job.ranks = 2;
  job.logs = logs;
  job.rank_timeout = milliseconds(50);
  job.grace = milliseconds(200);
  return job;
}

TEST(Launcher, RanksThatEndBecauseTheyAreToldToAreNotLost) {
  const TempFolder folder;
  Interrupt interrupt;
  const JobEnd end =
      run_job(job_of("(( RANK == 1 )) && kill -KILL $$; exec sleep 100", folder.path()), interrupt);
  EXPECT_THAT(end.lost, ElementsAre(1));
  EXPECT_EQ(end.failed_rank, 1);
  EXPECT_THAT(end.how, HasSubstr("rank 1 was ended by signal 9"));
}

TEST(Launcher, ASignalThatRanksDieOfLosesNone) {
  const TempFolder folder;
  Interrupt interrupt;
  const std::jthread interrupts([] {
    std::this_thread::sleep_for(milliseconds(100));
    ::kill(::getpid(), SIGTERM);
  });
  const JobEnd end = run_job(job_of("exec sleep 100", folder.path()), interrupt);
  EXPECT_THAT(end.lost, IsEmpty());
  EXPECT_EQ(end.exit_status, 128 + SIGTERM);
  EXPECT_EQ(interrupt.exit_status(), 128 + SIGTERM);
}

TEST(Launcher, ARankThatDoesNotHearHasToBeEndedAndIsLost) {
  const TempFolder folder;
  Interrupt interrupt;
  const JobEnd end =
      run_job(job_of("(( RANK == 1 )) && exit 3; trap '' TERM; while true; do sleep 0.1; done",
                     folder.path()),
              interrupt);
  EXPECT_THAT(end.lost, ElementsAre(0));
  EXPECT_THAT(end.how, HasSubstr("rank 0 stalled, and was ended"));
}

TEST(Launcher, ARankThatIsStoppedForLongIsLostAndNobodyWaitsForItAtTheMeeting) {
  const TempFolder folder;
  Interrupt interrupt;
  // Rank 0 waits as the others' meeting does: for what the launcher's server sends at its end.
  Job job = job_of(
      "(( RANK == 1 )) && kill -STOP $$; exec 3<>/dev/tcp/$MASTER_ADDR/$MASTER_PORT; cat <&3; "
      "exit 4",
      folder.path());
  job.rank_timeout = milliseconds(300);
  job.grace = std::chrono::minutes(10);
  const JobEnd end = run_job(job, interrupt);
  EXPECT_THAT(end.lost, ElementsAre(1));
  EXPECT_EQ(end.failed_rank, 1);
  EXPECT_THAT(end.how, HasSubstr("rank 1 stalled, and was ended"));
}

TEST(Launcher, ARankThatIsStoppedForAShortWhileGoesOn) {
  const TempFolder folder;
  Interrupt interrupt;
  Job job = job_of("(sleep 0.2; kill -CONT $$) & kill -STOP $$; wait; exit 0", folder.path());
  job.rank_timeout = std::chrono::minutes(1);
  EXPECT_EQ(run_job(job, interrupt).exit_status, 0);
}

}  // namespace
}  // namespace headrace::cli
