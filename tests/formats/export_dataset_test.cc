#include "headrace/formats/export_dataset.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "errors.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/formats/file_list.h"
#include "headrace/formats/open_dataset.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unprivileged.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Twenty images of one pixel, whose value is their index.
class ExportDataset : public ::testing::Test {
 protected:
  ExportDataset() {
    for (int i = 0; i < 20; ++i) {
      pixels_.push_back(static_cast<std::uint8_t>(i));
      labels_.push_back(i % 2);
    }
    options_.list = folder_ / "out/train.csv";
    std::filesystem::create_directory(folder_ / "out");
  }

  ArrayDataset dataset(std::vector<std::string> classes = {"cat", "dog"}) const {
    ImageArrays arrays;
    arrays.shape = {1, 1, 1};
    arrays.u8_pixels = pixels_;
    arrays.labels = labels_;
    arrays.classes = std::move(classes);
    return ArrayDataset(arrays);
  }

  // As a file of format PGM.
  static void encode(const ImageView& image, std::vector<std::byte>& into) {
    for (const char c : std::string("P5 1 1 255\n")) into.push_back(static_cast<std::byte>(c));
    into.push_back(*image.data);
  }

  ExportResult run(const Dataset& data) { return export_dataset(data, encode, options_); }

  TempFolder folder_;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::int32_t> labels_;
  ExportOptions options_;
};

// Images 3 and 7 cannot be encoded.
void encode_most(const ImageView& image, std::vector<std::byte>& into) {
  const auto value = static_cast<int>(*image.data);
  if (value == 3 || value == 7) throw Error(ErrorCode::corrupt_data, "will not be encoded");
  into.assign(1, *image.data);
}

TEST_F(ExportDataset, ImagesThatCannotBeExportedEndItOrAreLeftOut) {
  const auto data = dataset();
  const auto run_most = [&] { return export_dataset(data, encode_most, options_); };
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, run_most), HasSubstr("will not be encoded"));
  EXPECT_FALSE(std::filesystem::exists(options_.list));

  options_.on_error = ErrorPolicy::skip;
  options_.error_budget = {.count = 1};
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, run_most), HasSubstr("will not be encoded"));
  EXPECT_FALSE(std::filesystem::exists(options_.list));

  options_.error_budget = {.count = 2};
  const ExportResult result = run_most();
  EXPECT_EQ(result.written + result.kept, 18);
  EXPECT_EQ(result.errors.replaced, 2);
  ASSERT_EQ(result.errors.records.size(), 2u);
  EXPECT_EQ(result.errors.records[0].index, 3);
  EXPECT_EQ(result.errors.records[1].key, "memory: record 7");
  EXPECT_EQ(result.errors.records[1].reason, "will not be encoded");
  const auto back = open_dataset(options_.list.string());
  ASSERT_EQ(back->size(), 18);
  EXPECT_THAT(back->key(3), HasSubstr("000004.jpg"));

  const ExportResult again = run_most();
  EXPECT_EQ(again.written, 0);
  EXPECT_EQ(again.kept, 18);
  options_.on_error = ErrorPolicy::blank;
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, run_most),
              HasSubstr("cannot leave images blank"));
}

TEST_F(ExportDataset, WritesATreeAndAListThatReadsBack) {
  options_.suffix = ".pgm";
  const ExportResult result = run(dataset());
  EXPECT_EQ(result.written, 20);
  EXPECT_EQ(result.bytes, 20 * 12);
  EXPECT_THAT(bytes_of(options_.list),
              ::testing::StartsWith("path,label\nimages/train/cat/000000.pgm,cat\n"
                                    "images/train/dog/000001.pgm,dog\n"));
  const auto back = open_dataset(options_.list.string());
  ASSERT_EQ(back->size(), 20);
  EXPECT_THAT(back->info().classes, ElementsAre("cat", "dog"));
  Record record;
  for (std::int64_t i = 0; i < back->size(); ++i) {
    back->read(i, record);
    EXPECT_EQ(back->label(i), i % 2);
    EXPECT_EQ(std::to_integer<int>(record.values.at(0).bytes.back()), i);
  }
  EXPECT_EQ(open_dataset((folder_ / "out/images/train").string())->size(), 20);
}

TEST_F(ExportDataset, WritesFlatFoldersOfAnyName) {
  options_.class_folders = false;
  options_.images = "pictures, all";
  run(dataset());
  EXPECT_THAT(bytes_of(options_.list), HasSubstr("\n\"pictures, all/000003.jpg\",dog\n"));
  EXPECT_EQ(open_dataset(options_.list.string())->size(), 20);
}

TEST_F(ExportDataset, WritesIndicesWhereNamesWouldNotComeBack) {
  int round = 0;
  for (const auto& classes : std::vector<std::vector<std::string>>{
           {"dog", "cat"}, {"0", "1"}, {"12", "3"}, {"a\nb", "c"}, {}}) {
    options_.images = "images" + std::to_string(round++);
    run(dataset(classes));
    const auto back = open_dataset(options_.list.string());
    EXPECT_THAT(back->info().classes, ElementsAre("0", "1"));
    EXPECT_EQ(back->label(1), 1);
  }
}

TEST_F(ExportDataset, RefusesNamesThatAListCannotHold) {
  options_.images = "a\nb";
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { run(dataset()); }),
              HasSubstr("breaks lines"));
  options_.list = "";
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { run(dataset()); }),
              HasSubstr("does not name a list"));
}

TEST_F(ExportDataset, FoldersAreSafeWhateverClassesAreCalled) {
  run(dataset({"../../up", ".hidden"}));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/images/train/class_0/000000.jpg"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/images/train/class_1/000001.jpg"));
}

TEST_F(ExportDataset, CopiesEncodedImagesByteForByte) {
  folder_.write("in/a.jpg", "\xFF\xD8\xFF rest");
  folder_.write("in/b.dat", "\x89PNG\r\n rest");
  folder_.write("in/c.jpg", "RIFF1234WEBP rest");
  const auto list = open_file_list(folder_.write("in/l.csv", "path\na.jpg\nb.dat\nc.jpg\n"));
  EXPECT_EQ(run(*list).written, 3);
  EXPECT_EQ(bytes_of(options_.list),
            "path\nimages/train/000000.jpg\nimages/train/000001.png\nimages/train/000002.webp\n");
  EXPECT_EQ(bytes_of(folder_ / "out/images/train/000001.png"), "\x89PNG\r\n rest");
  EXPECT_EQ(run(*list).kept, 3);
}

TEST_F(ExportDataset, ACompleteExportWritesNothingAgain) {
  run(dataset());
  const auto before = std::filesystem::last_write_time(options_.list);
  const ExportResult again = run(dataset());
  EXPECT_EQ(again.written, 0);
  EXPECT_EQ(again.kept, 20);
  EXPECT_EQ(std::filesystem::last_write_time(options_.list), before);
}

TEST_F(ExportDataset, GoesOnWhereItStopped) {
  std::atomic<bool> stop = false;
  options_.stop = &stop;
  options_.threads = 1;
  const auto encode_some = [&](const ImageView& image, std::vector<std::byte>& into) {
    encode(image, into);
    stop = *image.data == std::byte{7};
  };
  const auto data = dataset();
  EXPECT_THAT(error_of(ErrorCode::cancelled, [&] { export_dataset(data, encode_some, options_); }),
              HasSubstr("goes on where it stopped"));
  EXPECT_FALSE(std::filesystem::exists(options_.list));
  stop = false;
  const ExportResult rest = run(data);
  EXPECT_EQ(rest.written, 12);
  EXPECT_EQ(rest.kept, 8);
  std::filesystem::remove(folder_ / "out/images/train/cat/000004.jpg");
  EXPECT_EQ(run(data).written, 1);
}

TEST_F(ExportDataset, OtherDataOrAnotherEncoderReplaceEverything) {
  run(dataset());
  options_.encoder_fingerprint = 1;
  EXPECT_EQ(run(dataset()).written, 20);
  pixels_[3] = 99;
  EXPECT_EQ(run(dataset()).written, 20);
  EXPECT_EQ(bytes_of(folder_ / "out/images/train/dog/000003.jpg").back(), 99);
}

TEST_F(ExportDataset, LeavesAFolderAloneThatItDidNotWrite) {
  folder_.write("out/images/train/cat/000000.jpg", "mine");
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { run(dataset()); }),
              HasSubstr("images/train is there already and was not written by an export"));
  EXPECT_EQ(bytes_of(folder_ / "out/images/train/cat/000000.jpg"), "mine");
}

TEST_F(ExportDataset, AFullDiskIsNamedAndLeavesTheOldList) {
  folder_.write("out/train.csv", "old");
  const FileSizeLimit limit(11);  // a byte less than an image
  options_.images = "i";
  const auto data = dataset();
  // Even the stamp does not fit.
  EXPECT_THAT(error_of(ErrorCode::io, [&] { run(data); }), HasSubstr("out/i/.headrace-export"));
  EXPECT_EQ(bytes_of(options_.list), "old");
}

TEST_F(ExportDataset, AnImageThatDoesNotFitOnTheDiskIsNamed) {
  folder_.write("out/train.csv", "old");
  options_.threads = 1;
  const auto long_images = [](const ImageView&, std::vector<std::byte>& into) {
    into.resize(5000);
  };
  const auto data = dataset();
  const FileSizeLimit limit(4000);
  EXPECT_THAT(error_of(ErrorCode::io, [&] { export_dataset(data, long_images, options_); }),
              ::testing::AllOf(HasSubstr("images/train/"), HasSubstr(".jpg: File too large")));
  EXPECT_EQ(bytes_of(options_.list), "old");
}

TEST_F(ExportDataset, AMissingPermissionIsNamed) {
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(folder_ / "out", std::filesystem::perms(0555));
  const Unprivileged user;
  EXPECT_THAT(error_of(ErrorCode::io, [&] { run(dataset()); }),
              HasSubstr("out/images/train: Permission denied"));
}

TEST_F(ExportDataset, NamesTheRecordThatFails) {
  const auto list = open_file_list(folder_.write("in.csv", "path\ngone.jpg\n"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { run(*list); }),
              HasSubstr("in.csv:2: gone.jpg: cannot open"));
  const auto refuse = [](const ImageView& image, std::vector<std::byte>& into) {
    if (*image.data == std::byte{5}) throw Error(ErrorCode::unsupported, "too grey");
    into.resize(1);
  };
  const auto data = dataset();
  options_.images = "other";
  EXPECT_EQ(error_of(ErrorCode::unsupported, [&] { export_dataset(data, refuse, options_); }),
            "memory: record 5: too grey");
  EXPECT_FALSE(std::filesystem::exists(options_.list));
  folder_.write("text.jpg", "just text");
  const auto text = open_file_list(folder_.write("text.csv", "path\ntext.jpg\n"));
  options_.images = "third";
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { run(*text); }),
              HasSubstr("text.csv:2: text.jpg: this is not an image file of a known kind"));
}

TEST_F(ExportDataset, TellsItsProgress) {
  std::int64_t last = 0;
  options_.progress = [&](std::int64_t done) { last = done; };
  options_.threads = 1;
  run(dataset());
  EXPECT_EQ(last, 20);
}

}  // namespace
}  // namespace headrace
