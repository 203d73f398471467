#include "headrace/pipeline/trace.h"

#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "headrace/pipeline/atomic_file.h"

namespace headrace {
namespace {

struct Event {
  const char* name = nullptr;
  std::int64_t begin_ns = 0;
  std::int64_t duration_ns = 0;  // below 0: a counter
  std::int32_t thread = 0;
  std::int64_t value = 0;
  Trace::Subject subject;
};

void append_number(std::string& text, const char* name, std::int64_t value) {
  if (value < 0) return;
  text += text.back() == '{' ? "\"" : ",\"";
  text += name;
  text += "\":" + std::to_string(value);
}

// Names are the library's own: letters and spaces, nothing to escape.
std::string to_json(const Event& event, int process) {
  char head[192];
  const bool counter = event.duration_ns < 0;
  std::snprintf(head, sizeof head, R"({"name":"%s","ph":"%c","pid":%d,"tid":%d,"ts":%.3f,)",
                event.name, counter ? 'C' : 'X', process, event.thread,
                static_cast<double>(event.begin_ns) * 1e-3);
  std::string text = head;
  if (!counter) {
    std::snprintf(head, sizeof head, R"("dur":%.3f,)",
                  static_cast<double>(event.duration_ns) * 1e-3);
    text += head;
  }
  text += R"("args":{)";
  if (counter) append_number(text, "value", event.value);
  append_number(text, "epoch", event.subject.epoch);
  append_number(text, "first", event.subject.first);
  append_number(text, "count", event.subject.count);
  append_number(text, "record", event.subject.record);
  return text + "}}";
}

}  // namespace

struct Trace::State {
  const Clock::time_point start = Clock::now();
  mutable std::mutex mutex;  // guards what follows
  std::optional<AtomicFile> file;
  std::vector<Event> events;  // never grows beyond its first capacity
  std::size_t lost = 0;

  std::int64_t since_start(Clock::time_point time) const {
    return std::chrono::nanoseconds(time - start).count();
  }
  void keep(const Event& event) noexcept {
    const std::lock_guard lock(mutex);
    if (events.size() < events.capacity()) {
      events.push_back(event);
    } else {
      ++lost;
    }
  }
};

Trace::Trace(const std::filesystem::path& path, std::size_t most_events)
    : state_(std::make_unique<State>()) {
  state_->file.emplace(path);
  state_->events.reserve(most_events);
}

Trace::~Trace() {
  try {
    write();
  } catch (...) {
    // Said in the header.
    state_->file.reset();
  }
}

void Trace::add(const char* name, Clock::time_point begin, Clock::time_point end,
                Subject subject) noexcept {
  state_->keep({name, state_->since_start(begin), std::chrono::nanoseconds(end - begin).count(),
                ::gettid(), 0, subject});
}

void Trace::count(const char* name, std::int64_t value) noexcept {
  state_->keep({name, state_->since_start(Clock::now()), -1, ::gettid(), value, {}});
}

void Trace::write() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->file) return;
  AtomicFile& file = *state_->file;
  file.write("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
  const int process = ::getpid();
  const char* separator = "";
  for (const Event& event : state_->events) {
    file.write(separator + to_json(event, process));
    separator = ",\n";
  }
  file.write("\n],\"otherData\":{\"lost_events\":\"" + std::to_string(state_->lost) + "\"}}\n");
  file.commit(AtomicFile::Durability::buffered);
  state_->file.reset();
}

std::size_t Trace::events() const {
  const std::lock_guard lock(state_->mutex);
  return state_->events.size();
}

std::size_t Trace::lost() const {
  const std::lock_guard lock(state_->mutex);
  return state_->lost;
}

}  // namespace headrace
