#include "headrace/formats/tar_shards.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "errors.h"
#include "headrace/formats/seek_index.h"
#include "headrace/formats/tar_index.h"
#include "image_fixtures.h"
#include "tar_fixtures.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unprivileged.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

using test::error_of;
using test::tar_end;
using test::tar_member;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string jpeg = "\xFF\xD8\xFF\xE0 a photo";

std::string image_of(const Dataset& dataset, std::int64_t index) {
  Record record;
  dataset.read(index, record);
  const auto bytes = record.values.at(0).bytes;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::int64_t> labels_of(const Dataset& dataset) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}

fs::path fixtures() { return fs::path(fixtures_folder()) / "shards"; }

class TarShardsTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Dataset> open(const std::string& archive, const std::string& choice = "",
                                      const DataOptions& options = {}) {
    return open_tar_shards(folder_.write("a.tar", archive).string() + choice, options);
  }
  std::string refusal(const std::string& archive, const std::string& choice = "",
                      ErrorCode code = ErrorCode::corrupt_data) {
    return error_of(code, [&] { open(archive, choice); });
  }

  TempFolder folder_;
};

TEST_F(TarShardsTest, ReadsWhatWebDatasetWrites) {
  fs::copy(fixtures(), folder_.path(), fs::copy_options::recursive);
  const auto dataset = open_tar_shards((folder_ / "train-{000..001}.tar").string());
  ASSERT_EQ(dataset->size(), 4);
  EXPECT_THAT(labels_of(*dataset), ElementsAre(3, 1, 0, 3));
  EXPECT_THAT(dataset->info().classes, ElementsAre("0", "1", "2", "3"));
  EXPECT_EQ(dataset->key(1), (folder_ / "train-000.tar").string() + ": n01/0002.png");
  // Bytes, and so pixels, are those of the files.
  const char* files[] = {"rgb.jpg", "rgb.png", "alpha.webp", "orientation_6.jpg"};
  for (std::int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(image_of(*dataset, i), bytes_of(fixtures::image_folder() / files[i])) << files[i];
    Record record;
    EXPECT_TRUE(!dataset->try_read(i, record) ||
                record.values.at(0).bytes.size() == image_of(*dataset, i).size());
  }
  EXPECT_EQ(open_tar_shards(folder_.path().string())->fingerprint(), dataset->fingerprint());
}

TEST_F(TarShardsTest, ASeekIndexOfShardsServesTheirFilesToo) {
  fs::copy(fixtures(), folder_.path(), fs::copy_options::recursive);
  const auto dataset = open_tar_shards(folder_.path().string());
  EXPECT_EQ(write_seek_index(*dataset, folder_ / "index").indexed, 1);  // rgb.jpg is no YCbCr
  const auto index = SeekIndex::open(folder_ / "index");
  EXPECT_FALSE(index->find(fixtures::image_file("orientation_6.jpg")).empty());
}

TEST_F(TarShardsTest, TakesLabelsFromClsJsonAndNumbersInTxt) {
  const std::string image = tar_member("1.jpg", jpeg);
  EXPECT_THAT(
      labels_of(*open(image + tar_member("1.cls", " 4\n") + tar_member("1.txt", "9") + tar_end)),
      ElementsAre(4));
  EXPECT_THAT(
      open(image + tar_member("1.json", R"({"id": 7, "class": "cat"})") + tar_end)->info().classes,
      ElementsAre("cat"));
  EXPECT_THAT(labels_of(*open(image + tar_member("1.txt", "2") + tar_end)), ElementsAre(2));
  EXPECT_THAT(labels_of(*open(image + tar_member("1.txt", "a cat sits") + tar_end)),
              ElementsAre(-1));
  EXPECT_EQ(open(image + tar_end)->info().fields.size(), 1U);
}

TEST_F(TarShardsTest, TakesWhatIsAskedFor) {
  const std::string archive = tar_member("1.left.jpg", jpeg + "L") +
                              tar_member("1.seg.png", "\x89PNG\r\n\x1A\n") +
                              tar_member("1.txt", "a cat") +
                              tar_member("1.json", R"({"a": {"b": true, "c": "dog"}})") + tar_end;
  EXPECT_EQ(image_of(*open(archive, "#left.jpg"), 0), jpeg + "L");
  EXPECT_THAT(open(archive, "#left.jpg,txt")->info().classes, ElementsAre("a cat"));
  EXPECT_THAT(open(archive, "#left.jpg,json:a.c")->info().classes, ElementsAre("dog"));
  EXPECT_THAT(labels_of(*open(archive, "#left.jpg,json:a.b")), ElementsAre(1));
  EXPECT_THAT(refusal(archive, "", ErrorCode::invalid_argument),
              AllOf(HasSubstr("left.jpg and seg.png"), HasSubstr("#left.jpg")));
  EXPECT_THAT(refusal(archive, "#left.jpg,json:a"), HasSubstr("holds no label at 'a'"));
  EXPECT_THAT(refusal(archive, "#left.jpg,cls"), HasSubstr("there is no label, .cls"));
  EXPECT_THAT(refusal(archive, "#jpg"), AllOf(HasSubstr("no field jpg"), HasSubstr("seg.png")));
}

TEST_F(TarShardsTest, MapsLabelsToTheClassesThatAreExpected) {
  const std::string archive = tar_member("1.jpg", jpeg) + tar_member("1.cls", "dog") + tar_end;
  EXPECT_EQ(open(archive, "", {.classes = {"cat", "dog"}})->label(0), 1);
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open(archive, "", {.classes = {"cat"}}); }),
              AllOf(HasSubstr("a.tar: 1.jpg: label 'dog'"), HasSubstr("(cat)")));
}

TEST_F(TarShardsTest, KnowsImagesByTheirBytesBeforeTheirNames) {
  const auto by_bytes = open(tar_member("1.photo", jpeg) + tar_member("1.jpg", "text") + tar_end);
  EXPECT_EQ(image_of(*by_bytes, 0), jpeg);
  EXPECT_EQ(image_of(*open(tar_member("1.jpg", "damaged") + tar_end), 0), "damaged");
}

TEST_F(TarShardsTest, NamesSamplesThatAreNotWhole) {
  const auto dataset = open(tar_member("1.jpg", jpeg) + tar_member("2.txt", "lonely") +
                            tar_member("3.jpg", "") + tar_end);
  EXPECT_EQ(dataset->size(), 3);
  for (const std::int64_t index : {1, 2}) {
    EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { image_of(*dataset, index); }),
                HasSubstr("no image"));
  }
  EXPECT_THAT(refusal(tar_member("1.jpg", jpeg) + tar_member("1.cls", "1") +
                      tar_member("2.jpg", jpeg) + tar_end),
              AllOf(HasSubstr("a.tar: 2: there is no label"), HasSubstr(".cls")));
  EXPECT_THAT(refusal(tar_member("1.jpg", jpeg) + tar_member("1.jpg", jpeg) + tar_end),
              HasSubstr("two files '1.jpg'"));
  EXPECT_THAT(refusal(tar_end), HasSubstr("holds no samples"));
  EXPECT_THAT(refusal(tar_member("1.cls", "1") + tar_end), HasSubstr("no images"));
}

TEST_F(TarShardsTest, KeepsAnIndexBesideTheShardAndMakesItAnewWhenStale) {
  const fs::path index = folder_ / "a.tar.headrace-index";
  open(tar_member("1.jpg", jpeg) + tar_end);
  ASSERT_TRUE(fs::exists(index));
  const auto written = fs::last_write_time(index);
  const fs::path archive = folder_ / "a.tar";
  open_tar_shards(archive.string());
  EXPECT_EQ(fs::last_write_time(index), written);

  EXPECT_EQ(open(tar_member("1.jpg", jpeg) + tar_member("2.jpg", jpeg) + tar_end)->size(), 2);
  // Of the same size, by its time alone.
  folder_.write("a.tar", tar_member("1.jpg", jpeg) + tar_member("1.cls", "7") + tar_end);
  fs::last_write_time(archive, fs::last_write_time(archive) + std::chrono::seconds(5));
  EXPECT_EQ(open_tar_shards(archive.string())->label(0), 7);
}

TEST_F(TarShardsTest, DoesWithoutAnIndexWhereNoneCanBeWritten) {
  const fs::path archive = folder_.write("a.tar", tar_member("1.jpg", jpeg) + tar_end);
  const auto all_read = fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read;
  const auto all_enter = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  fs::permissions(archive, all_read);
  fs::permissions(folder_.path(), all_read | all_enter);
  {
    const Unprivileged unprivileged;
    EXPECT_EQ(image_of(*open_tar_shards(archive.string()), 0), jpeg);
  }
  EXPECT_FALSE(fs::exists(folder_ / "a.tar.headrace-index"));
  fs::permissions(folder_.path(), fs::perms::owner_all);
}

TEST_F(TarShardsTest, AnArchiveThatChangesIsAnError) {
  const auto dataset = open(tar_member("1.jpg", jpeg) + tar_end);
  EXPECT_EQ(image_of(*dataset, 0), jpeg);
  folder_.write("a.tar", tar_member("1.jpg", jpeg) + tar_member("2.jpg", jpeg) + tar_end);
  EXPECT_THAT(error_of(ErrorCode::io, [&] { image_of(*dataset, 0); }),
              AllOf(HasSubstr("a.tar at byte 512"), HasSubstr("has changed")));
  Record record;
  EXPECT_FALSE(dataset->try_read(0, record));
  folder_.write("a.tar", "");
  EXPECT_THAT(error_of(ErrorCode::io, [&] { image_of(*dataset, 0); }), HasSubstr("is shorter"));
}

TEST_F(TarShardsTest, ReadsMoreShardsThanItKeepsOpen) {
  for (int i = 0; i < 300; ++i) {
    folder_.write(std::to_string(1000 + i) + ".tar",
                  tar_member("1.jpg", jpeg + std::to_string(i)) + tar_end);
  }
  const auto dataset = open_tar_shards((folder_ / "{1000..1299}.tar").string());
  ASSERT_EQ(dataset->size(), 300);
  for (const int i : {0, 1, 299}) EXPECT_EQ(image_of(*dataset, i), jpeg + std::to_string(i));
  fs::remove(folder_ / "1299.tar");
  EXPECT_THAT(error_of(ErrorCode::io, [&] { image_of(*dataset, 299); }), HasSubstr("1299.tar"));
}

// Of the samples of an archive: their names and where all lies.
std::string summary(const TarIndex& index, bool with_names) {
  std::string text;
  for (const TarIndex::Sample& sample : index.samples) {
    if (with_names) text += index.at(sample.key);
    for (const TarIndex::Member& member : index.of(sample)) {
      text += " " + index.extensions[member.extension] + "@" + std::to_string(member.offset) + "+" +
              std::to_string(member.size);
      if (member.flags & TarIndex::has_label) text += "=" + std::string(index.at(member.label));
    }
  }
  return text;
}

TEST(TarProperty, AFlippedByteIsFoundOrStaysInItsOwnMember) {
  const std::string archive = tar_member("1.jpg", jpeg) + tar_member("1.cls", "7") +
                              tar_member("pax", test::pax_record("mtime", "1.0"), {.type = 'x'}) +
                              tar_member("2.jpg", jpeg) + tar_member("2.cls", "8") + tar_end;
  const MemorySource whole(std::as_bytes(std::span(archive)));
  const std::string before = summary(make_tar_index(whole, "a.tar"), true);
  int found = 0;
  for (std::size_t at = 0; at < archive.size(); ++at) {
    for (const int bits : {0x01, 0x10, 0x80}) {
      std::string damaged = archive;
      damaged[at] = static_cast<char>(damaged[at] ^ bits);
      const MemorySource source(std::as_bytes(std::span(damaged)));
      std::string after;
      try {
        after = summary(make_tar_index(source, "a.tar"), true);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("a.tar at byte"));
        ++found;
        continue;
      }
      // Blocks: header, bytes of 1.jpg; of 1.cls; of the pax header; of 2.jpg; of 2.cls.
      const std::size_t block = at / 512;
      const bool in_label = block == 3 || block == 9;
      const bool in_bytes = block % 2 == 1 && block < 10;
      const bool in_checksum = at % 512 >= 148 && at % 512 < 156;  // zeros may be spaces
      EXPECT_TRUE(in_bytes || in_checksum) << "byte " << at << " ^ " << bits;
      if (in_label) continue;
      EXPECT_EQ(after, before) << "byte " << at << " ^ " << bits;
    }
  }
  EXPECT_GT(found, 3 * 6 * 500);  // of headers and of the end mark nearly all
}

TEST(TarProperty, AnIndexThatIsNotWholeIsNoIndex) {
  const std::string archive = tar_member("1.jpg", jpeg) + tar_member("1.cls", "7") + tar_end;
  const MemorySource source(std::as_bytes(std::span(archive)));
  const TarIndex index = make_tar_index(source, "a.tar");
  const TarVersion version{archive.size(), 12345};
  const std::vector<std::byte> bytes = encode_tar_index(index, version);
  const auto again = decode_tar_index(bytes, version);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(summary(*again, true), summary(index, true));
  EXPECT_FALSE(decode_tar_index(bytes, {archive.size(), 12346}).has_value());
  EXPECT_FALSE(decode_tar_index(bytes, {archive.size() + 1, 12345}).has_value());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_FALSE(decode_tar_index(std::span(bytes).first(at), version).has_value()) << at;
    std::vector<std::byte> damaged = bytes;
    damaged[at] ^= std::byte{1};
    EXPECT_FALSE(decode_tar_index(damaged, version).has_value()) << at;
  }
}

}  // namespace
}  // namespace headrace
