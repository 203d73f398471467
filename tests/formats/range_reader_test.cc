#include "headrace/formats/range_reader.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "errors.h"
#include "headrace/formats/file_calls.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::HasSubstr;

std::string text_at(const RangeReader& file, std::uint64_t offset, std::size_t count) {
  std::string text(count, '\0');
  file.read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST(RangeReader, ReadsPartsOfAFile) {
  const TempFolder folder;
  const RangeReader file(folder.write("a", "0123456789"));
  EXPECT_EQ(file.size(), 10u);
  EXPECT_EQ(text_at(file, 0, 10), "0123456789");
  EXPECT_EQ(text_at(file, 7, 3), "789");
  EXPECT_EQ(text_at(file, 10, 0), "");
  EXPECT_THAT(error_of(ErrorCode::io, [&] { text_at(file, 8, 3); }),
              HasSubstr("a at byte 10: the file became shorter"));
  std::array<std::byte, 3> bytes{};
  EXPECT_FALSE(file.try_read(8, bytes));
}

TEST(RangeReader, RefusesWhatIsNoFile) {
  const TempFolder folder;
  EXPECT_THAT(error_of(ErrorCode::io, [&] { RangeReader(folder / "none"); }),
              HasSubstr("cannot open"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { RangeReader(folder.path()); }),
              HasSubstr("is no regular file"));
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error_of(ErrorCode::io, [&] { RangeReader{pipe}; }), HasSubstr("is no regular file"));
}

int interruptions = 0;

TEST(RangeReader, GoesOnAfterInterruptionsAndShortReads) {
  const TempFolder folder;
  FileCalls calls = system_file_calls();
  calls.read_at = [](int file, void* to, std::size_t count, off_t offset) -> ssize_t {
    if (interruptions-- > 0) {
      errno = EINTR;
      return -1;
    }
    return ::pread(file, to, std::min<std::size_t>(count, 2), offset);
  };
  const RangeReader file(folder.write("a", "0123456789"), calls);
  interruptions = 3;
  EXPECT_EQ(text_at(file, 1, 8), "12345678");
  calls.read_at = [](int, void*, std::size_t, off_t) -> ssize_t {
    errno = EIO;
    return -1;
  };
  EXPECT_THAT(error_of(ErrorCode::io, [&] { text_at(file, 4, 2); }), HasSubstr("cannot read"));
}

}  // namespace
}  // namespace headrace
