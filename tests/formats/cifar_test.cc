#include "headrace/formats/cifar.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "errors.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t image_bytes = 3072;

std::vector<std::uint8_t> some_pixels(std::size_t images, unsigned seed = 0) {
  std::vector<std::uint8_t> pixels(images * image_bytes);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13 ^ seed);
  }
  return pixels;
}

std::vector<std::uint8_t> pixels_of(const Dataset& dataset) {
  std::vector<std::uint8_t> pixels;
  Record record;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, record);
    const ImageView& image = record.values.at(0).pixels;
    EXPECT_EQ(image.shape, (ImageShape{32, 32, 3}));
    const auto* data = reinterpret_cast<const std::uint8_t*>(image.data);
    pixels.insert(pixels.end(), data, data + image_bytes);
  }
  return pixels;
}

std::vector<std::int64_t> labels_of(const Dataset& dataset) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}

// A record whose planes hold 'r', 'g', 'b'.
std::string record(const std::string& labels) {
  return labels + std::string(1024, 'r') + std::string(1024, 'g') + std::string(1024, 'b');
}

TEST(Cifar, ReadsPlanesAsPixels) {
  const TempFolder folder;
  const auto path = folder.write("a.bin", record("\7") + record("\1"));
  const auto dataset = open_cifar({path});
  EXPECT_EQ(labels_of(*dataset), (std::vector<std::int64_t>{7, 1}));
  EXPECT_EQ(dataset->info().classes.size(), 10u);
  const auto pixels = pixels_of(*dataset);
  for (std::size_t i = 0; i < pixels.size(); ++i) ASSERT_EQ(pixels[i], "rgb"[i % 3]);
  EXPECT_EQ(dataset->key(1), path.string() + ": record 1");
}

TEST(Cifar, TellsTheHundredClassesByTheirRecords) {
  const TempFolder folder;
  const auto path = folder.write("a.bin", record("\x13\x63") + record(std::string("\0\x2A", 2)));
  const auto dataset = open_cifar({path});
  EXPECT_EQ(labels_of(*dataset), (std::vector<std::int64_t>{99, 42}));
  EXPECT_EQ(dataset->info().classes.size(), 100u);
}

TEST(Cifar, WritesWhatItReads) {
  const TempFolder folder;
  const auto pixels = some_pixels(3);
  const std::vector<std::int32_t> labels = {9, 0, 4};
  write_cifar10(folder / "a.bin", pixels, labels);
  EXPECT_EQ(bytes_of(folder / "a.bin").size(), 3 * 3073u);
  const auto dataset = open_cifar({folder / "a.bin"});
  EXPECT_EQ(pixels_of(*dataset), pixels);
  EXPECT_EQ(labels_of(*dataset), (std::vector<std::int64_t>{9, 0, 4}));
}

TEST(Cifar, JoinsSeveralFilesAndTheTrainingFilesOfAFolder) {
  const TempFolder folder;
  const std::vector<std::int32_t> one = {1};
  const std::vector<std::int32_t> two = {2};
  write_cifar10(folder / "data_batch_1.bin", some_pixels(1, 1), one);
  write_cifar10(folder / "data_batch_2.bin", some_pixels(1, 2), two);
  write_cifar10(folder / "test_batch.bin", some_pixels(1, 3), one);
  EXPECT_TRUE(is_cifar_folder(folder.path()));
  const auto training = open_cifar({folder.path()});
  EXPECT_EQ(labels_of(*training), (std::vector<std::int64_t>{1, 2}));
  const auto joined = open_cifar({folder / "data_batch_2.bin", folder / "test_batch.bin"});
  EXPECT_EQ(labels_of(*joined), (std::vector<std::int64_t>{2, 1}));
  EXPECT_FALSE(is_cifar_folder(folder / "none"));
}

TEST(Cifar, NamesClassesByTheFileBesideIt) {
  const TempFolder folder;
  const auto path = folder.write("test_batch.bin", record("\1"));
  folder.write("batches.meta.txt",
               "plane\r\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
  EXPECT_THAT(
      open_cifar({path})->info().classes,
      ElementsAre("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"));
  DataOptions options;
  options.classes = {"bird", "car"};
  EXPECT_EQ(open_cifar({path}, options)->label(0), 1);
  options.classes = {"bird"};
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_cifar({path}, options); }),
              HasSubstr("record 0 has label 'car', which is not one of the 1 classes (bird)"));
  folder.write("batches.meta.txt", "plane\ncar\n");
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_cifar({path}); }),
              HasSubstr("batches.meta.txt names 2 classes and not 10"));
}

TEST(Cifar, ReportsFaultyFiles) {
  const TempFolder folder;
  const auto fault = [&](const std::string& bytes, ErrorCode code = ErrorCode::corrupt_data) {
    return error_of(code, [&] { open_cifar({folder.write("a.bin", bytes)}); });
  };
  EXPECT_THAT(fault(""), HasSubstr("a.bin is empty"));
  EXPECT_THAT(fault(record("\1") + "xx"),
              HasSubstr("a.bin: its 3075 bytes are not a whole number"));
  EXPECT_THAT(fault(record("\1") + record("\x0A")),
              HasSubstr("a.bin: record 1 has label 10; those of CIFAR-10 are 0 .. 9"));
  EXPECT_THAT(fault(record("\x14\x01")), HasSubstr("a.bin: record 0 has label 20"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_cifar({folder / "none.bin"}); }),
              HasSubstr("none.bin: No such file or directory"));
  const auto ten = folder.write("ten.bin", record("\1"));
  const auto hundred = folder.write("hundred.bin", record("\1\1"));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data,
                       [&] {
                         open_cifar({ten, hundred});
                       }),
              HasSubstr("hundred.bin: its 3074 bytes are not a whole number of CIFAR-10 records"));
  std::filesystem::create_directory(folder / "void");
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_cifar({folder / "void"}); }),
              HasSubstr("holds neither data_batch_1.bin nor train.bin"));
}

TEST(Cifar, EveryCutIsAnErrorOrFewerRecords) {
  const TempFolder folder;
  const std::string whole = record("\1") + record("\2");
  for (std::size_t length = 0; length < whole.size(); length += length < 3000 ? 97 : 1) {
    const auto path = folder.write("a.bin", whole.substr(0, length));
    if (length == 3073) {
      EXPECT_EQ(open_cifar({path})->size(), 1);
    } else if (length == 3074) {
      // One CIFAR-100 record by its size; its labels are not.
      EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_cifar({path}); }),
                  HasSubstr("label"));
    } else {
      error_of(ErrorCode::corrupt_data, [&] { open_cifar({path}); });
    }
    if (length == 3200) length = 6000;
  }
}

TEST(Cifar, WritingRefusesWhatTheFormatCannotHold) {
  const TempFolder folder;
  const std::vector<std::int32_t> labels = {1, 10};
  EXPECT_THAT(error_of(ErrorCode::invalid_argument,
                       [&] { write_cifar10(folder / "a.bin", some_pixels(2), labels); }),
              HasSubstr("record 1 has label 10"));
  EXPECT_THAT(error_of(ErrorCode::invalid_argument,
                       [&] { write_cifar10(folder / "a.bin", some_pixels(3), labels); }),
              HasSubstr("2 images have 9216 values"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.bin"));
  EXPECT_THAT(error_of(ErrorCode::io,
                       [&] {
                         write_cifar10(folder / "no/a.bin", some_pixels(1),
                                       std::vector<std::int32_t>{1});
                       }),
              HasSubstr("no/a.bin"));
}

}  // namespace
}  // namespace headrace
