#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

namespace headrace::cli {

// Where messages and progress go: lines that stay, and one status line below them that is written
// over again and again. Standard output is left to results. Safe to use from many threads.
class Terminal {
 public:
  // `interactive`: the stream is a terminal, which can show a status line.
  Terminal(std::FILE* stream, bool interactive, int width);
  ~Terminal();  // takes the status line away
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // The process's standard error.
  static Terminal& standard_error();

  bool interactive() const { return interactive_; }
  int width() const { return width_; }

  // Writes a line for good, above the status line if there is one.
  void line(std::string_view text);
  // Shows `text`, cut to the width, in place of the last status; "" takes it away. Nothing happens
  // where there is no terminal.
  void status(std::string_view text);

 private:
  void erase_status();

  std::mutex mutex_;
  std::FILE* stream_;
  bool interactive_;
  int width_;
  std::string status_;
};

// One line each, "headrace: ..." on standard error. Notes are left out after quiet_messages().
void note(std::string_view text);
void warn(std::string_view text);
void complain(std::string_view text);
void quiet_messages();

}  // namespace headrace::cli
