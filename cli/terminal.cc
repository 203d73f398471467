#include "headrace/cli/terminal.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace headrace::cli {
namespace {

int terminal_width(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool can_rewrite_lines(int descriptor) {
  const char* term = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

class TerminalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string text = "headrace: ";
    if (message.level == spdlog::level::warn) text += "warning: ";
    text.append(message.payload.data(), message.payload.size());
    Terminal::standard_error().line(text);
  }
  void flush_() override {}
};

spdlog::logger& logger() {
  static spdlog::logger instance("headrace", std::make_shared<TerminalSink>());
  return instance;
}

}  // namespace

Terminal::Terminal(std::FILE* stream, bool interactive, int width)
    : stream_(stream), interactive_(interactive), width_(std::max(width, 20)) {}

Terminal::~Terminal() { status(""); }

Terminal& Terminal::standard_error() {
  static Terminal instance(stderr, can_rewrite_lines(STDERR_FILENO), terminal_width(STDERR_FILENO));
  return instance;
}

void Terminal::erase_status() {
  if (!status_.empty()) std::fputs("\r\033[K", stream_);
}

void Terminal::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  erase_status();
  std::fwrite(text.data(), 1, text.size(), stream_);
  std::fputc('\n', stream_);
  std::fwrite(status_.data(), 1, status_.size(), stream_);
  std::fflush(stream_);
}

void Terminal::status(std::string_view text) {
  if (!interactive_) return;
  const std::lock_guard lock(mutex_);
  const auto limit = static_cast<std::size_t>(width_ - 1);
  erase_status();
  status_ = text.substr(0, limit);
  std::fwrite(status_.data(), 1, status_.size(), stream_);
  std::fflush(stream_);
}

void note(std::string_view text) { logger().info("{}", text); }
void warn(std::string_view text) { logger().warn("{}", text); }
void complain(std::string_view text) { logger().error("{}", text); }
void quiet_messages() { logger().set_level(spdlog::level::warn); }

}  // namespace headrace::cli
