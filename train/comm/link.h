#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace headrace {

// How bytes go from one process to another: what MPI or another library must give. Not installed.
// Made, used and destroyed by one thread. Errors are std::exception; those of a plugin are never
// headrace::Error.
class Link {
 public:
  using Request = std::size_t;

  virtual ~Link() = default;
  virtual int process() const = 0;
  virtual int processes() const = 0;
  virtual int local_processes() const = 0;
  virtual std::string host() const = 0;

  // Messages between two processes with one tag (0 to 32767) arrive in order. Memory belongs to
  // the link until done() or cancel_all(). The receiver knows the size.
  virtual Request send(int to, int tag, std::span<const std::byte> bytes) = 0;
  virtual Request receive(int from, int tag, std::span<std::byte> bytes) = 0;
  // Whether it has ended; if so the request is no more. Never waits. Also makes progress.
  virtual bool done(Request request) = 0;
  virtual void cancel_all() noexcept = 0;

  // Together with all others: after this there are no messages. May wait for them.
  virtual void leave() = 0;
  // Ends all processes, this one too where that is how the library does it.
  virtual void end_job() noexcept = 0;
};

}  // namespace headrace
