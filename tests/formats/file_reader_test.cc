#include "headrace/formats/file_reader.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "errors.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace headrace
