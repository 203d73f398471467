#include "headrace/formats/file_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "errors.h"
#include "headrace/formats/file_calls.h"
#include "headrace/formats/image_files.h"
#include "headrace/formats/subset.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(FileReader, ReadsRelativeToItsFolderAndAbsolutePaths) {
  const TempFolder folder;
  const auto path = folder.write("a/b.txt", "hello");
  std::vector<std::byte> buffer;
  EXPECT_EQ(text_of(FileReader(folder.path()).read("a/b.txt", buffer)), "hello");
  EXPECT_EQ(text_of(FileReader(folder.path()).read(path.c_str(), buffer)), "hello");
  EXPECT_EQ(text_of(FileReader().read(path.c_str(), buffer)), "hello");
}

TEST(FileReader, ReusesTheBufferAndNeverShrinksIt) {
  const TempFolder folder;
  folder.write("long", std::string(100'000, 'x'));
  folder.write("short", "abc");
  const FileReader reader(folder.path());
  std::vector<std::byte> buffer;
  EXPECT_EQ(reader.read("long", buffer).size(), 100'000u);
  const std::byte* memory = buffer.data();
  EXPECT_EQ(text_of(reader.read("short", buffer)), "abc");
  EXPECT_EQ(buffer.size(), 100'000u);
  EXPECT_EQ(buffer.data(), memory);
}

TEST(FileReader, NamesAMissingFile) {
  const TempFolder folder;
  std::vector<std::byte> buffer;
  const FileReader reader(folder.path());
  EXPECT_EQ(error_of(ErrorCode::io, [&] { reader.read("none.jpg", buffer); }),
            "cannot open " + (folder / "none.jpg").string() + ": No such file or directory");
}

TEST(FileReader, NamesAMissingFolder) {
  const TempFolder folder;
  EXPECT_EQ(error_of(ErrorCode::io, [&] { FileReader reader(folder / "none"); }),
            "cannot open folder " + (folder / "none").string() + ": No such file or directory");
}

TEST(FileReader, SaysThatAFileIsEmpty) {
  const TempFolder folder;
  folder.write("empty.jpg", "");
  std::vector<std::byte> buffer;
  const FileReader reader(folder.path());
  EXPECT_EQ(error_of(ErrorCode::corrupt_data, [&] { reader.read("empty.jpg", buffer); }),
            (folder / "empty.jpg").string() + " is empty");
}

TEST(FileReader, RefusesFoldersPipesAndDevicesWithoutWaiting) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::vector<std::byte> buffer;
  const FileReader reader(folder.path());
  EXPECT_THAT(error_of(ErrorCode::io, [&] { reader.read("pipe", buffer); }),
              HasSubstr("pipe: it is not a regular file"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { reader.read(".", buffer); }),
              HasSubstr("it is a folder"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { reader.read("/dev/zero", buffer); }),
              HasSubstr("/dev/zero: it is not a regular file"));
}

TEST(FileReader, MovesWithItsFolder) {
  const TempFolder folder;
  folder.write("a", "first");
  folder.write("inner/a", "second");
  FileReader reader(folder.path());
  FileReader moved(std::move(reader));
  std::vector<std::byte> buffer;
  EXPECT_EQ(text_of(moved.read("a", buffer)), "first");
  moved = FileReader(folder / "inner");
  EXPECT_EQ(text_of(moved.read("a", buffer)), "second");
}

// --- System calls that fail ---

// What the calls below do next; they are plain functions.
struct Weather {
  int open_error = 0;
  int open_cached_error = 0;
  int read_error = 0;
  int interruptions = 0;           // so many calls fail with EINTR first
  std::size_t most = 0;            // bytes a read gives at most; 0: no limit
  int cached_bytes = 1 << 30;      // of a file, that read_cached finds in memory
  int read_cached_error = EAGAIN;  // of the others
  int tries = 0;                   // calls of open_cached
};
Weather weather;

int fail_with(int error) {
  errno = error;
  return -1;
}

bool interrupted() { return weather.interruptions > 0 && weather.interruptions-- > 0; }

std::size_t clipped(std::size_t count) {
  return weather.most == 0 ? count : std::min(count, weather.most);
}

const FileCalls stormy{
    .open =
        [](int folder, const char* path) {
          if (interrupted()) return fail_with(EINTR);
          if (weather.open_error != 0) return fail_with(weather.open_error);
          return ::openat(folder, path, O_RDONLY | O_CLOEXEC);
        },
    .open_cached =
        [](int folder, const char* path) {
          ++weather.tries;
          if (interrupted()) return fail_with(EINTR);
          if (weather.open_cached_error != 0) return fail_with(weather.open_cached_error);
          return ::openat(folder, path, O_RDONLY | O_CLOEXEC);
        },
    .read = [](int file, void* to, std::size_t count) -> ssize_t {
      if (interrupted()) return fail_with(EINTR);
      if (weather.read_error != 0) return fail_with(weather.read_error);
      return ::read(file, to, clipped(count));
    },
    .read_at = ::pread,
    .read_cached = [](int file, void* to, std::size_t count, off_t offset) -> ssize_t {
      if (interrupted()) return fail_with(EINTR);
      const auto left = std::max<off_t>(weather.cached_bytes - offset, 0);
      if (left == 0) return fail_with(weather.read_cached_error);
      return ::pread(file, to, std::min(clipped(count), static_cast<std::size_t>(left)), offset);
    },
};

class FileReaderInBadWeather : public ::testing::Test {
 protected:
  FileReaderInBadWeather() : reader_(folder_.path(), stormy) {
    weather = {};
    folder_.write("a.jpg", "0123456789");
  }
  std::string read() { return text_of(reader_.read("a.jpg", buffer_)); }
  // What try_read() gives, or "would wait".
  std::string try_read() {
    const auto bytes = reader_.try_read("a.jpg", buffer_);
    return bytes ? text_of(*bytes) : "would wait";
  }

  const TempFolder folder_;
  FileReader reader_;
  std::vector<std::byte> buffer_;
};

TEST_F(FileReaderInBadWeather, InterruptionsAndShortReadsAreNotNoticed) {
  weather = {.interruptions = 3, .most = 3};
  EXPECT_EQ(read(), "0123456789");
  weather = {.interruptions = 3, .most = 3};
  EXPECT_EQ(try_read(), "0123456789");
}

TEST_F(FileReaderInBadWeather, NamesTheFileThatADiskCannotRead) {
  weather = {.read_error = EIO};
  EXPECT_EQ(error_of(ErrorCode::io, [&] { read(); }),
            "cannot read " + (folder_ / "a.jpg").string() + ": Input/output error");
}

TEST_F(FileReaderInBadWeather, SaysWhatToDoAboutTooManyOpenFiles) {
  weather = {.open_error = EMFILE};
  EXPECT_THAT(error_of(ErrorCode::exhausted, [&] { read(); }),
              AllOf(StartsWith("cannot open " + (folder_ / "a.jpg").string() +
                               ": Too many open files: this process may have "),
                    HasSubstr("raise that with ulimit -n")));
}

TEST_F(FileReaderInBadWeather, TriesWithoutWaiting) {
  weather = {.open_cached_error = EAGAIN};
  EXPECT_EQ(try_read(), "would wait");
  weather = {.cached_bytes = 0};
  EXPECT_EQ(try_read(), "would wait");
  weather = {.cached_bytes = 6};
  EXPECT_EQ(try_read(), "would wait");
  weather = {};
  EXPECT_EQ(try_read(), "0123456789");
  EXPECT_EQ(weather.tries, 1);
}

TEST_F(FileReaderInBadWeather, LeavesWhatIsWrongToTheReadThatWaits) {
  for (const int error : {ENOENT, EACCES, EMFILE}) {
    weather = {.open_cached_error = error};
    EXPECT_EQ(try_read(), "would wait");
  }
  weather = {.cached_bytes = 4, .read_cached_error = EIO};
  EXPECT_EQ(try_read(), "would wait");
  weather = {};
  EXPECT_EQ(try_read(), "0123456789");
  folder_.write("a.jpg", "");
  EXPECT_EQ(try_read(), "would wait");
}

TEST_F(FileReaderInBadWeather, AKernelThatCannotTellIsAskedOnce) {
  weather = {.open_cached_error = ENOSYS};
  EXPECT_EQ(try_read(), "would wait");
  weather = {};
  EXPECT_EQ(try_read(), "would wait");
  EXPECT_EQ(weather.tries, 0);
  EXPECT_EQ(read(), "0123456789");
}

// Where the folder for temporary files lies in memory by nature, the file is simply read.
TEST_F(FileReaderInBadWeather, AFileSystemThatCannotTellIsAskedOnceOrReadAtOnce) {
  weather = {.cached_bytes = 0, .read_cached_error = EOPNOTSUPP};
  const std::string answer = try_read();
  EXPECT_EQ(try_read(), answer);
  EXPECT_EQ(weather.tries, answer == "would wait" ? 1 : 2);
}

TEST_F(FileReaderInBadWeather, AsksTheKernelOnlyForWhatItDoesNotHave) {
  weather = {.cached_bytes = 9};
  EXPECT_EQ(reader_.will_need("a.jpg"), 10u);
  weather = {};
  EXPECT_EQ(reader_.will_need("a.jpg"), 0u);
  EXPECT_EQ(reader_.will_need("none.jpg"), 0u);
  EXPECT_EQ(reader_.will_need("."), 0u);
}

TEST(FileReader, ReadsAFileJustWrittenWithoutWaitingWhereTheSystemCanTell) {
  const TempFolder folder;
  folder.write("a", "hello");
  const FileReader reader(folder.path());
  std::vector<std::byte> buffer;
  const auto bytes = reader.try_read("a", buffer);
  if (!bytes) GTEST_SKIP() << "this kernel or file system cannot tell";
  EXPECT_EQ(text_of(*bytes), "hello");
}

TEST(ImageFiles, TriesAndAsksForRecordsThroughASubset) {
  const TempFolder folder;
  folder.write("a.jpg", "first");
  folder.write("b.jpg", "second");
  weather = {};
  ImageFileTable table;
  for (const char c : std::string("a.jpg\0b.jpg\0", 12)) table.text.push_back(std::byte(c));
  table.rows = {{.offset = 0, .length = 5, .label = 3}, {.offset = 6, .length = 5, .label = 4}};
  table.labelled = true;
  const auto files = std::make_shared<ImageFiles>("list", folder.path(), std::move(table));
  const Subset second(files, 1, 1);
  Record whole;
  Record tried;
  second.read(0, whole);
  if (!second.try_read(0, tried)) GTEST_SKIP() << "this kernel or file system cannot tell";
  EXPECT_EQ(text_of(tried.values[0].bytes), "second");
  EXPECT_EQ(text_of(tried.values[1].bytes), text_of(whole.values[1].bytes));
  EXPECT_EQ(second.will_need(0), 0u);
}

}  // namespace
}  // namespace headrace
