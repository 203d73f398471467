#include "headrace/cli/terminal.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

namespace headrace::cli {
namespace {

// A stream in memory, to see what a terminal is told.
class Screen {
 public:
  ~Screen() {
    std::fclose(stream_);
    std::free(text_);
  }
  std::FILE* stream() { return stream_; }
  std::string text() {
    std::fflush(stream_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* stream_ = ::open_memstream(&text_, &size_);
};

TEST(Terminal, StatusIsWrittenOverAndTakenAway) {
  Screen screen;
  {
    Terminal terminal(screen.stream(), true, 80);
    terminal.status("one");
    terminal.status("two");
  }
  EXPECT_EQ(screen.text(), "one\r\033[Ktwo\r\033[K");
}

TEST(Terminal, LinesStayAboveTheStatus) {
  Screen screen;
  Terminal terminal(screen.stream(), true, 80);
  terminal.status("busy");
  terminal.line("news");
  EXPECT_EQ(screen.text(), "busy\r\033[Knews\nbusy");
}

TEST(Terminal, StatusIsCutToTheWidth) {
  Screen screen;
  Terminal terminal(screen.stream(), true, 30);
  terminal.status(std::string(100, 'x'));
  EXPECT_EQ(screen.text(), std::string(29, 'x'));
}

TEST(Terminal, NoStatusWhereThereIsNoTerminal) {
  Screen screen;
  Terminal terminal(screen.stream(), false, 80);
  terminal.status("busy");
  terminal.line("news");
  EXPECT_EQ(screen.text(), "news\n");
}

}  // namespace
}  // namespace headrace::cli
