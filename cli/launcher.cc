#include "headrace/cli/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "headrace/cli/spawn.h"
#include "headrace/pipeline/error.h"
#include "headrace/train/comm/rendezvous.h"

extern char** environ;

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* launcher_variable = "HEADRACE_LAUNCHER";

class LogFile {
 public:
  explicit LogFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) throw io_error(path.string(), errno);
  }
  ~LogFile() { ::close(descriptor_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// This process's environment, and what a rank of a job is told beside it.
std::vector<std::string> environment_of(int rank, int ranks, int port) {
  const std::vector<std::string> own = {fmt::format("RANK={}", rank),
                                        fmt::format("WORLD_SIZE={}", ranks),
                                        fmt::format("LOCAL_RANK={}", rank),
                                        fmt::format("LOCAL_WORLD_SIZE={}", ranks),
                                        "MASTER_ADDR=127.0.0.1",
                                        fmt::format("MASTER_PORT={}", port),
                                        fmt::format("{}={}", launcher_variable, ::getpid())};
  std::vector<std::string> all = own;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry(*at);
    const std::string_view name = entry.substr(0, entry.find('=') + 1);
    const bool told = std::any_of(own.begin(), own.end(),
                                  [&](const std::string& set) { return set.rfind(name, 0) == 0; });
    if (!told && name != "TORCHELASTIC_USE_AGENT_STORE=") all.emplace_back(entry);
  }
  return all;
}

struct Rank {
  int number = 0;
  pid_t process = 0;
  bool running = true;
  bool ended_by_us = false;
  std::optional<Clock::time_point> stopped = std::nullopt;  // since when it has been, by a signal
  int told = 0;                                             // the signal that asked it to end
  int status = 0;                                           // as waitpid() tells

  // One that is told to end before it has made itself ready to hear it just ends.
  bool lost() const { return ended_by_us || (WIFSIGNALED(status) && WTERMSIG(status) != told); }
  bool failed() const { return exit_status() != 0; }
  int exit_status() const {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
};

class Ranks {
 public:
  Ranks(const Job& job, int port) {
    grace_ = job.grace;
    try {
      for (int rank = 0; rank < job.ranks; ++rank) start(job, rank, port);
    } catch (...) {
      end_all();
      throw;
    }
  }
  ~Ranks() { end_all(); }
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  // Takes note of those that have ended since, in order of their numbers.
  void look() {
    for (Rank& rank : ranks_) {
      while (rank.running) {
        const pid_t changed =
            ::waitpid(rank.process, &rank.status, WNOHANG | WUNTRACED | WCONTINUED);
        if (changed == 0) break;
        if (changed < 0 && errno == EINTR) continue;
        if (changed > 0 && WIFSTOPPED(rank.status)) {
          rank.stopped = Clock::now();
        } else if (changed > 0 && WIFCONTINUED(rank.status)) {
          rank.stopped.reset();
        } else {
          rank.running = false;
          ended_.push_back(rank);
        }
      }
    }
  }
  // Whoever has been stopped for so long is lost: those that wait for it have given it up.
  void end_stopped(std::chrono::milliseconds timeout) {
    for (Rank& rank : ranks_) {
      if (rank.running && rank.stopped && Clock::now() - *rank.stopped >= timeout) end(rank);
    }
  }
  // Whoever still runs has nobody to train with: asked first, since not all of them are stuck.
  void give_up() {
    if (asked_.time_since_epoch().count() == 0) {
      signal(SIGTERM);
      asked_ = Clock::now();
    } else if (Clock::now() - asked_ >= grace_) {
      end_all();
    }
  }
  bool any_running() const {
    return std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return rank.running; });
  }
  void signal(int number) {
    for (Rank& rank : ranks_) {
      if (!rank.running) continue;
      rank.told = number;
      ::kill(rank.process, number);
    }
  }
  // Those that still run are lost.
  void end_all() {
    for (Rank& rank : ranks_) {
      if (rank.running) end(rank);
    }
  }
  const std::vector<Rank>& ended() const { return ended_; }  // the first first

 private:
  void end(Rank& rank) {
    ::kill(rank.process, SIGKILL);
    while (::waitpid(rank.process, &rank.status, 0) < 0 && errno == EINTR) continue;
    rank.running = false;
    rank.ended_by_us = true;
    ended_.push_back(rank);
  }

  void start(const Job& job, int rank, int port) {
    Spawn spawn;
    spawn.own_group();
    std::optional<LogFile> log;
    if (rank > 0) {
      log.emplace(job.logs / fmt::format("rank{}.log", rank));
      spawn.connect(log->descriptor(), STDERR_FILENO);
      spawn.connect(log->descriptor(), STDOUT_FILENO);
    }
    std::vector<std::string> told = environment_of(rank, job.ranks, port);
    std::vector<char*> environment;
    for (std::string& entry : told) environment.push_back(entry.data());
    environment.push_back(nullptr);
    ranks_.push_back({.number = rank, .process = spawn.start(job.command, environment.data())});
  }

  std::vector<Rank> ranks_;
  std::vector<Rank> ended_;
  Clock::time_point asked_{};
  std::chrono::milliseconds grace_{};
};

std::string describe(const Rank& rank) {
  if (rank.ended_by_us) return fmt::format("rank {} stalled, and was ended", rank.number);
  if (WIFSIGNALED(rank.status)) {
    const int signal = WTERMSIG(rank.status);
    return fmt::format("rank {} was ended by signal {} ({})", rank.number, signal,
                       ::strsignal(signal));
  }
  return fmt::format("rank {} ended with status {}", rank.number, rank.exit_status());
}

JobEnd end_of(const Ranks& ranks) {
  JobEnd end;
  const Rank* worst = nullptr;
  for (const Rank& rank : ranks.ended()) {
    if (rank.lost()) end.lost.push_back(rank.number);
    // Who is lost is the reason why others failed.
    if (rank.failed() && (worst == nullptr || (rank.lost() && !worst->lost()))) worst = &rank;
  }
  if (worst == nullptr) return end;
  end.exit_status = worst->exit_status();
  end.failed_rank = worst->number;
  end.how = describe(*worst);
  return end;
}

}  // namespace

JobEnd run_job(const Job& job, Interrupt& interrupt) {
  std::error_code failed;
  std::filesystem::create_directories(job.logs, failed);
  if (failed) throw io_error(job.logs.string(), failed.value());
  std::optional<RendezvousServer> meeting(std::in_place, "127.0.0.1", 0);
  Ranks ranks(job, meeting->port());
  std::optional<Clock::time_point> end_by;
  const auto allow = [&](std::chrono::milliseconds time) {
    const auto until = Clock::now() + time;
    end_by = end_by ? std::min(*end_by, until) : until;
  };
  bool passed_on = false;
  std::size_t seen = 0;
  while (ranks.any_running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ranks.look();
    ranks.end_stopped(job.rank_timeout);
    for (; seen < ranks.ended().size(); ++seen) {
      // Who still waits there for all to come need not wait on.
      if (ranks.ended()[seen].failed()) meeting.reset();
      // One that failed has told the others; one that was lost they have to find out, and say so.
      const bool told = !ranks.ended()[seen].lost();
      allow(told ? job.grace : job.rank_timeout + std::chrono::seconds(1));
    }
    if (interrupt.requested() && !passed_on) {
      ranks.signal(interrupt.exit_status() - 128);
      passed_on = true;
      // Where a step takes long, this is how long it may.
      allow(job.rank_timeout + job.grace);
    }
    if (end_by && Clock::now() >= *end_by) ranks.give_up();
  }
  return end_of(ranks);
}

std::vector<std::string> own_command() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  if (words.empty()) throw Error(ErrorCode::io, "/proc/self/cmdline cannot be read");
  words[0] = std::filesystem::read_symlink("/proc/self/exe").string();
  return words;
}

void follow_launcher() {
  const char* const launcher = std::getenv(launcher_variable);
  if (launcher == nullptr) return;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != std::atoi(launcher)) ::raise(SIGTERM);
}

}  // namespace headrace::cli
