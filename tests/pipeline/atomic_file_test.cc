#include "headrace/pipeline/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "../support/file_size_limit.h"
#include "../support/temp_folder.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class AtomicFileTest : public ::testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_ / name; }
  std::ptrdiff_t files() const { return folder_.entries(); }
  static std::string text_of(const fs::path& path) { return bytes_of(path); }

 private:
  TempFolder folder_;
};

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    return error.what();
  }
  return "nothing was thrown";
}

TEST_F(AtomicFileTest, AppearsOnCommitAndNotBefore) {
  AtomicFile file(at("a.csv"));
  file.write("epoch,loss\n");
  file.write("1,0.5\n");
  EXPECT_FALSE(fs::exists(at("a.csv")));
  file.commit();
  EXPECT_EQ(text_of(at("a.csv")), "epoch,loss\n1,0.5\n");
  EXPECT_EQ(files(), 1);
}

TEST_F(AtomicFileTest, KeepsTheOldFileWhenItIsNotCommitted) {
  write_file(at("a"), "old");
  {
    AtomicFile file(at("a"));
    file.write("new");
  }
  EXPECT_EQ(text_of(at("a")), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(AtomicFileTest, ReplacesTheOldFileWhole) {
  write_file(at("a"), "a long old text");
  write_file(at("a"), "new");
  EXPECT_EQ(text_of(at("a")), "new");
}

TEST_F(AtomicFileTest, KeepsTheOrderOfSmallAndLargeWrites) {
  const std::string large(200'000, 'x');
  AtomicFile file(at("a"));
  std::string expected;
  for (int i = 0; i < 3; ++i) {
    for (const std::string& part : {std::string("small"), large, std::string(40'000, 'y')}) {
      file.write(part);
      expected += part;
    }
  }
  file.commit(AtomicFile::Durability::buffered);
  EXPECT_TRUE(text_of(at("a")) == expected);
}

TEST_F(AtomicFileTest, AFullDiskKeepsTheOldFileAndLeavesNothingBehind) {
  write_file(at("a"), "old");
  for (const std::size_t size : {std::size_t{5'000}, std::size_t{500'000}}) {
    const std::string message = message_of([&] {
      const FileSizeLimit limit(4'096);
      write_file(at("a"), std::string(size, 'x'));
    });
    EXPECT_THAT(message, AllOf(HasSubstr(at("a").string()), HasSubstr("File too large")));
    EXPECT_EQ(text_of(at("a")), "old");
    EXPECT_EQ(files(), 1);
  }
}

TEST_F(AtomicFileTest, AMissingFolderIsAnErrorThatNamesThePath) {
  EXPECT_THAT(message_of([&] { AtomicFile file(at("no/such/a")); }),
              AllOf(HasSubstr(at("no/such/a").string()), HasSubstr("No such file or directory")));
}

TEST_F(AtomicFileTest, WhatIsNoFileIsNotReplaced) {
  fs::create_directory(at("folder"));
  EXPECT_THAT(message_of([&] { AtomicFile file(at("folder")); }), HasSubstr("is no file"));
  EXPECT_THAT(message_of([] { AtomicFile file("/dev/null"); }), HasSubstr("/dev/null"));
  EXPECT_THAT(message_of([&] { AtomicFile file(at("folder/")); }), HasSubstr("does not name"));
  EXPECT_TRUE(fs::is_directory(at("folder")));
}

TEST_F(AtomicFileTest, FollowsLinksAndLeavesThemInPlace) {
  fs::create_directory(at("large"));
  fs::create_symlink("large/model", at("model"));
  fs::create_symlink("model", at("latest"));
  write_file(at("latest"), "weights");
  EXPECT_TRUE(fs::is_symlink(at("latest")));
  EXPECT_TRUE(fs::is_symlink(at("model")));
  EXPECT_EQ(text_of(at("large/model")), "weights");
  EXPECT_EQ(files(), 3);

  fs::create_symlink("circle", at("circle"));
  EXPECT_THAT(message_of([&] { AtomicFile file(at("circle")); }), HasSubstr("symbolic links"));
}

TEST_F(AtomicFileTest, HandsOnThePermissionsOfTheFileItReplaces) {
  write_file(at("a"), "old");
  fs::permissions(at("a"), fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  write_file(at("a"), "new");
  EXPECT_EQ(fs::status(at("a")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
}

TEST_F(AtomicFileTest, TakesNamesAsLongAsTheFileSystemAllows) {
  const fs::path longest = at(std::string(255, 'n'));
  write_file(longest, "text");
  EXPECT_EQ(text_of(longest), "text");
  EXPECT_THAT(message_of([&] { write_file(at(std::string(256, 'n')), "text"); }),
              HasSubstr("File name too long"));
  EXPECT_EQ(files(), 1);
}

TEST_F(AtomicFileTest, TwoWritersOfOnePathDoNotMix) {
  AtomicFile first(at("a"));
  AtomicFile second(at("a"));
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(text_of(at("a")), "first");
  EXPECT_EQ(files(), 1);
}

}  // namespace
}  // namespace headrace
