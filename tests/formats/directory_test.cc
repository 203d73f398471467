#include "headrace/formats/directory.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "errors.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unprivileged.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// "label path", the path relative to the folder.
std::vector<std::string> rows_of(const Dataset& dataset) {
  std::vector<std::string> rows;
  const std::string folder = dataset.info().name + "/";
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const std::string key = dataset.key(i);
    EXPECT_THAT(key, ::testing::StartsWith(folder));
    rows.push_back(std::to_string(dataset.label(i)) + " " + key.substr(folder.size()));
  }
  return rows;
}

TEST(Directory, ClassesAreSortedFoldersAndFilesAreSortedPaths) {
  const TempFolder folder;
  for (const char* path : {"dog/b.jpg", "dog/a.PNG", "cat/z.jpg", "cat/old/y.jpeg", "cat/x.webp"}) {
    folder.write(path, path);
  }
  const auto dataset = open_directory(folder.path());
  EXPECT_THAT(dataset->info().classes, ElementsAre("cat", "dog"));
  EXPECT_THAT(rows_of(*dataset), ElementsAre("0 cat/old/y.jpeg", "0 cat/x.webp", "0 cat/z.jpg",
                                             "1 dog/a.PNG", "1 dog/b.jpg"));
  Record record;
  dataset->read(4, record);
  EXPECT_EQ(record.values.at(0).bytes.size(), std::string("dog/b.jpg").size());
  std::int32_t label = -1;
  std::memcpy(&label, record.values.at(1).bytes.data(), sizeof(label));
  EXPECT_EQ(label, 1);
}

TEST(Directory, OtherFilesAndHiddenOnesDoNotCount) {
  const TempFolder folder;
  for (const char* path : {"cat/a.jpg", "cat/notes.txt", "cat/.b.jpg", ".git/c.jpg",
                           "cat/.old/d.jpg", "readme.md", "cat/jpg"}) {
    folder.write(path, "x");
  }
  EXPECT_THAT(rows_of(*open_directory(folder.path())), ElementsAre("0 cat/a.jpg"));
}

TEST(Directory, ImagesWithoutClassFoldersHaveNoLabels) {
  const TempFolder folder;
  folder.write("b.jpg", "x");
  folder.write("a.gif", "x");
  const auto dataset = open_directory(folder.path());
  EXPECT_THAT(rows_of(*dataset), ElementsAre("-1 a.gif", "-1 b.jpg"));
  EXPECT_EQ(dataset->info().fields.size(), 1u);
  EXPECT_THAT(dataset->info().classes, IsEmpty());
}

TEST(Directory, FollowsLinksAndSeesLoopsOnce) {
  const TempFolder folder;
  folder.write("data/cat/a.jpg", "x");
  folder.write("elsewhere/b.jpg", "x");
  std::filesystem::create_directory_symlink("..", folder / "data/cat/up");
  std::filesystem::create_directory_symlink(".", folder / "data/cat/self");
  std::filesystem::create_directory_symlink("../elsewhere", folder / "data/dog");
  std::filesystem::create_symlink("a.jpg", folder / "data/cat/link.jpg");
  const auto rows = rows_of(*open_directory(folder / "data"));
  EXPECT_THAT(rows, ::testing::Contains("0 cat/a.jpg"));
  EXPECT_THAT(rows, ::testing::Contains("0 cat/link.jpg"));
  EXPECT_THAT(rows, ::testing::Contains("1 dog/b.jpg"));
  EXPECT_LE(rows.size(), 4u);  // "up" shows the folder dog once more
}

TEST(Directory, ALinkThatLeadsNowhereIsReportedWhenRead) {
  const TempFolder folder;
  folder.write("cat/a.jpg", "x");
  std::filesystem::create_symlink("gone.jpg", folder / "cat/b.jpg");
  const auto dataset = open_directory(folder.path());
  Record record;
  EXPECT_THAT(error_of(ErrorCode::io, [&] { dataset->read(1, record); }),
              HasSubstr("cat/b.jpg: No such file or directory"));
}

TEST(Directory, MapsFoldersToTheClassesOfAnotherDataSet) {
  const TempFolder folder;
  folder.write("cat/a.jpg", "x");
  DataOptions options;
  options.classes = {"dog", "cat"};
  const auto dataset = open_directory(folder.path(), options);
  EXPECT_THAT(rows_of(*dataset), ElementsAre("1 cat/a.jpg"));
  EXPECT_EQ(dataset->info().classes, options.classes);
  options.classes = {"dog", "cow"};
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_directory(folder.path(), options); }),
              HasSubstr("cat: the folder is not one of the 2 classes (dog, cow)"));
}

TEST(Directory, ReportsWhatIsMissing) {
  const TempFolder folder;
  const auto fault = [&](ErrorCode code) {
    return error_of(code, [&] { open_directory(folder / "data"); });
  };
  EXPECT_THAT(fault(ErrorCode::io), HasSubstr("cannot open folder " + (folder / "data").string()));
  folder.write("data/notes.txt", "x");
  EXPECT_THAT(fault(ErrorCode::corrupt_data), HasSubstr("holds neither folders nor images"));
  folder.write("data/cat/a.jpg", "x");
  folder.write("data/dog/notes.txt", "x");
  EXPECT_THAT(fault(ErrorCode::corrupt_data), HasSubstr("data/dog holds no images"));
  folder.write("data/stray.jpg", "x");
  EXPECT_THAT(fault(ErrorCode::corrupt_data), HasSubstr("stray.jpg lies beside class folders"));
}

TEST(Directory, NamesAnUnreadableFolder) {
  const TempFolder folder;
  folder.write("cat/a.jpg", "x");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(folder / "cat", std::filesystem::perms::none);
  const Unprivileged user;
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_directory(folder.path()); }),
              HasSubstr("cat: Permission denied"));
}

TEST(Directory, FingerprintStaysWhenTheFolderMovesAndChangesWithItsFiles) {
  const TempFolder folder;
  folder.write("one/cat/a.jpg", "x");
  folder.write("two/cat/a.jpg", "y");
  const auto first = open_directory(folder / "one")->fingerprint();
  EXPECT_EQ(first, open_directory(folder / "two")->fingerprint());
  folder.write("two/cat/b.jpg", "y");
  EXPECT_NE(first, open_directory(folder / "two")->fingerprint());
}

}  // namespace
}  // namespace headrace
