// Training by processes.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "headrace/train/comm/rendezvous.h"

namespace headrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

struct Job {
  int status = -1;  // exit status; -1 if it had to be ended
  std::string output;
  double seconds = 0;
};

using Words = std::vector<std::string>;

// Runs a command with a deadline, so that no test hangs.
Job run(Words words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  const auto start = Clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
    // Leaks of MPI's own are not for us to see.
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    const char* const tsan = std::getenv("TSAN_OPTIONS");
    ::setenv(
        "TSAN_OPTIONS",
        (std::string(tsan == nullptr ? "" : tsan) + ":ignore_noninstrumented_modules=1").c_str(),
        1);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  Job job;
  const auto until = start + std::chrono::seconds(60);
  char text[4096];
  for (;;) {
    pollfd wait{ends[0], POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) break;
    const ssize_t count = ::read(ends[0], text, sizeof text);
    if (count <= 0) break;
    job.output.append(text, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  if (Clock::now() >= until) ::kill(-child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) job.status = WEXITSTATUS(status);
  if (WIFSIGNALED(status) && Clock::now() < until) job.status = 128 + WTERMSIG(status);
  job.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return job;
}

// How so many processes are started that do what is said.
using Launch = std::function<Job(int processes, const Words& task)>;

Job by_mpi(int processes, const Words& task) {
  Words words{HEADRACE_MPIRUN,   "-n",        std::to_string(processes),
              "--oversubscribe", "--bind-to", "none"};
  if (::geteuid() == 0) words.emplace_back("--allow-run-as-root");
  words.emplace_back(HEADRACE_TEST_RANK);
  words.insert(words.end(), task.begin(), task.end());
  return run(words);
}

std::string new_folder() {
  std::string path = ::testing::TempDir() + "/headrace_processes_XXXXXX";
  return ::mkdtemp(path.data()) == nullptr ? "" : path;
}

// A process that fails ends the others, as a launcher would.
Job by_gloo(int processes, const Words& task) {
  const std::string folder = new_folder();
  const RendezvousServer meeting("127.0.0.1", 0);
  Words words{"bash",
              "-c",
              "export WORLD_SIZE=$2 MASTER_ADDR=127.0.0.1 HEADRACE_LAUNCHER=$$ MASTER_PORT=" +
                  std::to_string(meeting.port()) +
                  "\n"
                  "rank() { RANK=$i \"$0\" gloo \"${@:3}\"; echo $? > \"$1/new.$i\";\n"
                  "  mv \"$1/new.$i\" \"$1/status.$i\"; }\n"
                  "shopt -s nullglob\n"
                  "for ((i = 0; i < $2; i++)); do rank \"$@\" & done\n"
                  "while sleep 0.05; do\n"
                  "  ended=(\"$1\"/status.*)\n"
                  "  ((${#ended[@]})) || continue\n"
                  "  ! grep -qv '^0$' \"${ended[@]}\" || { sleep 1; kill -KILL 0; }\n"
                  "  ((${#ended[@]} < $2)) || exit 0\n"
                  "done",
              HEADRACE_TEST_RANK,
              folder,
              std::to_string(processes)};
  words.insert(words.end(), task.begin(), task.end());
  const Job job = run(words);
  std::filesystem::remove_all(folder);
  return job;
}

std::vector<float> trained(const Launch& launch, int processes, int replicas) {
  const std::string path = ::testing::TempDir() + "/headrace_weights_" + std::to_string(::getpid());
  const Job job = launch(processes, {"train", std::to_string(replicas), path});
  EXPECT_EQ(job.status, 0) << job.output;
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  std::vector<float> weights(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(weights.data()));
  EXPECT_GT(weights.size(), 100'000u);
  return weights;
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    norm += std::pow(a[i], 2);
  }
  return std::sqrt(difference / norm);
}

class Processes : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const bool mpi = GetParam() == std::string("mpi");
    launch = mpi ? by_mpi : by_gloo;
    if (mpi && !std::filesystem::exists(HEADRACE_MPIRUN)) {
      GTEST_SKIP() << "there is no mpirun (install openmpi-bin and libopenmpi-dev)";
    }
    if (!mpi && !HEADRACE_HAS_GLOO) GTEST_SKIP() << "built without gloo (install libgloo-dev)";
  }
  Launch launch;
};

TEST_P(Processes, GiveTheBitsOfThreadsAndTheWeightsOfOneRank) {
  const std::vector<float> one = trained(launch, 1, 1);
  const std::vector<float> threads = trained(launch, 1, 4);
  EXPECT_LE(relative_difference(one, threads), 1e-5);
  EXPECT_TRUE(trained(launch, 4, 1) == threads);
  EXPECT_TRUE(trained(launch, 2, 2) == threads);
  const std::vector<float> two = trained(launch, 2, 1);
  EXPECT_LE(relative_difference(one, two), 1e-5);
  EXPECT_TRUE(trained(launch, 1, 2) == two);
}

TEST_P(Processes, OneThatFailsIsNamedAndTheJobEndsWithAnError) {
  for (const char* rank : {"0", "1"}) {
    const Job job = launch(3, {"fault", "throw", rank, "20000"});
    EXPECT_GT(job.status, 0);
    EXPECT_LT(job.seconds, 20);
    EXPECT_THAT(job.output,
                AllOf(HasSubstr("rank " + std::string(rank) + " says: the disk is full"),
                      HasSubstr("rank " + std::string(rank) + " failed: the disk is full")));
  }
}

TEST_P(Processes, OneThatIsKilledEndsTheJobAtOnce) {
  for (const char* how : {"kill", "exit"}) {
    const Job job = launch(3, {"fault", how, "1", "30000"});
    EXPECT_GT(job.status, 0) << job.output;
    EXPECT_LT(job.seconds, 30);
  }
}

TEST_P(Processes, OneThatIsStoppedIsNamedByTheOthersWithinTheDeadline) {
  for (const char* rank : {"0", "2"}) {
    const Job job = launch(3, {"fault", "stop", rank, "3000"});
    EXPECT_GT(job.status, 0);
    EXPECT_LT(job.seconds, 30);
    EXPECT_THAT(job.output, HasSubstr("rank " + std::string(rank) + " is missing")) << job.output;
  }
}

INSTANTIATE_TEST_SUITE_P(Over, Processes, ::testing::Values("mpi", "gloo"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace headrace
