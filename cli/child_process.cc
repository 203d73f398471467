#include "headrace/cli/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>

#include "headrace/cli/spawn.h"
#include "headrace/pipeline/error.h"

extern char** environ;

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t output_limit = std::size_t{16} << 20;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void reset(int value) {
    close();
    value_ = value;
  }
  void close() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }
  int get() const { return value_; }
  bool open() const { return value_ >= 0; }

 private:
  int value_ = -1;
};

// A socket pair rather than a pipe: writing to one whose reader has gone can be told not to raise
// SIGPIPE.
struct Channel {
  Descriptor ours;
  Descriptor theirs;
  Channel() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw io_error("cannot make a pipe", errno);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
};

int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
}

void read_some(Descriptor& from, std::string& into) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(from.get(), buffer.data(), buffer.size());
  if (count < 0 && errno == EINTR) return;
  if (count <= 0) return from.close();
  const auto room = output_limit - std::min(output_limit, into.size());
  into.append(buffer.data(), std::min(static_cast<std::size_t>(count), room));
}

void write_some(Descriptor& to, std::string_view& input) {
  const ssize_t count = ::send(to.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
  const bool retry = count < 0 && (errno == EINTR || errno == EAGAIN);
  if (input.empty() || (count < 0 && !retry)) to.close();
}

// Feeds and reads until the child has closed its outputs; false if the deadline passed first.
bool exchange(Descriptor& in, Descriptor& out, Descriptor& err, std::string_view input,
              ChildResult& result, Clock::time_point end) {
  if (input.empty()) in.close();
  while (in.open() || out.open() || err.open()) {
    pollfd waits[] = {{in.get(), POLLOUT, 0}, {out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
    const int ready = ::poll(waits, 3, milliseconds_until(end));
    if (ready < 0 && errno != EINTR) throw io_error("cannot wait for a program", errno);
    if (ready == 0) return false;
    if (ready < 0) continue;
    if (waits[0].revents != 0) write_some(in, input);
    if (waits[1].revents != 0) read_some(out, result.output);
    if (waits[2].revents != 0) read_some(err, result.errors);
    if (!out.open() && !err.open()) in.close();
  }
  return true;
}

bool wait_for(pid_t child, int& status, Clock::time_point end) {
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) return true;
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& command, std::string_view input,
                      std::chrono::milliseconds deadline) {
  Channel in;
  Channel out;
  Channel err;
  Spawn spawn;
  spawn.connect(in.theirs.get(), STDIN_FILENO);
  spawn.connect(out.theirs.get(), STDOUT_FILENO);
  spawn.connect(err.theirs.get(), STDERR_FILENO);
  const auto end = Clock::now() + deadline;
  const pid_t child = spawn.start(command, environ);
  for (Channel* channel : {&in, &out, &err}) channel->theirs.close();

  ChildResult result;
  int status = 0;
  const bool in_time =
      exchange(in.ours, out.ours, err.ours, input, result, end) && wait_for(child, status, end);
  if (!in_time) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    throw Error(ErrorCode::io, fmt::format("{}: still running after {} s; ended", command[0],
                                           deadline.count() / 1000));
  }
  result.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace headrace::cli
