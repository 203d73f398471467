#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace headrace {

// What an event of a Trace is about; what is below 0 is left out.
struct TraceSubject {
  std::int64_t epoch = -1;
  std::int64_t first = -1;  // sample of the epoch
  std::int64_t count = -1;  // samples
  std::int64_t record = -1;
};

// What the threads of a program did and when, written as a file in Chrome's trace event format
// (JSON), which ui.perfetto.dev and chrome://tracing open. Give the same Trace to a Loader
// (LoaderOptions) and its ImageSequence (ImageSequenceOptions). An event costs about 100 ns.
//
// Memory is bounded: of more than `most_events` events the later ones are only counted.
// Thread-safe.
class Trace {
 public:
  using Clock = std::chrono::steady_clock;
  using Subject = TraceSubject;

  // Throws Error{io} if `path` cannot be written.
  explicit Trace(const std::filesystem::path& path, std::size_t most_events = 200'000);
  // Writes what write() did not; then an error has nobody to be told to.
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // This thread did `name`, which must outlive the trace.
  void add(const char* name, Clock::time_point begin, Clock::time_point end,
           Subject subject = {}) noexcept;
  // `name` has this value from now on: "ready batches".
  void count(const char* name, std::int64_t value) noexcept;

  // Puts the file in its place; events after that are lost. Throws Error{io}.
  void write();

  std::size_t events() const;
  std::size_t lost() const;  // of those that found no room

  // Adds what happens between its construction and its end; nothing if the trace is null.
  class Span {
   public:
    Span(Trace* trace, const char* name, Subject subject = {})
        : trace_(trace), name_(name), subject_(subject) {
      if (trace_ != nullptr) begin_ = Clock::now();
    }
    ~Span() {
      if (trace_ != nullptr) trace_->add(name_, begin_, Clock::now(), subject_);
    }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    Trace* trace_;
    const char* name_;
    Subject subject_;
    Clock::time_point begin_;
  };

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headrace
