#include "headrace/formats/idx.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "errors.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

std::string idx(int type, const std::vector<std::uint32_t>& extents, const std::string& values) {
  std::string bytes = {0, 0, static_cast<char>(type), static_cast<char>(extents.size())};
  for (const std::uint32_t extent : extents) bytes += big_endian(extent);
  return bytes + values;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(bytes.size() + 1000, '\0');
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

const std::string three_images = idx(8, {3, 2, 2}, "abcdefghijkl");
const std::string three_labels = idx(8, {3}, std::string("\2\0\1", 3));

void expect_the_three(const Dataset& dataset) {
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_THAT(dataset.info().classes, ElementsAre("0", "1", "2"));
  Record record;
  dataset.read(1, record);
  const ImageView& image = record.values.at(0).pixels;
  EXPECT_EQ(image.shape, (ImageShape{2, 2, 1}));
  EXPECT_EQ(image.row<char>(0)[0], 'e');
  EXPECT_EQ(image.row<char>(1)[1], 'h');
  EXPECT_EQ(dataset.label(0), 2);
  EXPECT_EQ(dataset.label(1), 0);
}

TEST(Idx, FindsLabelsByTheUsualNames) {
  const TempFolder folder;
  folder.write("train-images-idx3-ubyte", three_images);
  folder.write("train-labels-idx1-ubyte", three_labels);
  const auto dataset = open_idx(folder / "train-images-idx3-ubyte");
  expect_the_three(*dataset);
  EXPECT_EQ(dataset->key(2), (folder / "train-images-idx3-ubyte").string() + ": record 2");
}

TEST(Idx, ReadsGzipAndPlainFilesTogether) {
  const TempFolder folder;
  folder.write("a-images-idx3-ubyte.gz", gzip(three_images));
  folder.write("a-labels-idx1-ubyte.gz", gzip(three_labels));
  expect_the_three(*open_idx(folder / "a-images-idx3-ubyte.gz"));
  folder.write("b-images.idx3-ubyte.gz", gzip(three_images));
  folder.write("b-labels.idx1-ubyte", three_labels);
  expect_the_three(*open_idx(folder / "b-images.idx3-ubyte.gz"));
  folder.write("x", three_images);
  folder.write("y", three_labels);
  expect_the_three(*open_idx(folder / "x", folder / "y"));
}

TEST(Idx, ReadsColourAndWideLabels) {
  const TempFolder folder;
  folder.write("x", idx(8, {2, 1, 2, 3}, "abcdefABCDEF"));
  folder.write("y", idx(12, {2}, big_endian(300) + big_endian(7)));
  const auto dataset = open_idx(folder / "x", folder / "y");
  EXPECT_EQ(dataset->info().classes.size(), 301u);
  EXPECT_EQ(dataset->label(0), 300);
  Record record;
  dataset->read(1, record);
  EXPECT_EQ(record.values.at(0).pixels.shape, (ImageShape{1, 2, 3}));
  EXPECT_EQ(record.values.at(0).pixels.row<char>(0)[3], 'D');
}

TEST(Idx, UsesTheClassesOfAnotherDataSet) {
  const TempFolder folder;
  folder.write("x", three_images);
  folder.write("y", three_labels);
  DataOptions options;
  options.classes = {"shirt", "shoe", "bag", "coat"};
  EXPECT_EQ(open_idx(folder / "x", folder / "y", options)->info().classes, options.classes);
  options.classes.resize(2);
  EXPECT_THAT(
      error_of(ErrorCode::corrupt_data, [&] { open_idx(folder / "x", folder / "y", options); }),
      HasSubstr("x: record 0 has label '2', which is not one of the 2 classes"));
}

TEST(Idx, ReportsWhatIsWrongWithWhichFile) {
  const TempFolder folder;
  const auto fault = [&](const std::string& images, const std::string& labels,
                         ErrorCode code = ErrorCode::corrupt_data) {
    folder.write("x", images);
    folder.write("y", labels);
    return error_of(code, [&] { open_idx(folder / "x", folder / "y"); });
  };
  const std::string x = (folder / "x").string() + ": ";
  const std::string y = (folder / "y").string() + ": ";
  EXPECT_THAT(fault("\x89PNG and more", three_labels), HasSubstr(x + "this is not an IDX file"));
  EXPECT_THAT(fault("", three_labels), HasSubstr(x + "this is not an IDX file"));
  EXPECT_THAT(fault(three_images + "m", three_labels), HasSubstr(x + "there are bytes after"));
  EXPECT_THAT(fault(three_images, three_labels + "m"), HasSubstr(y + "there are bytes after"));
  EXPECT_THAT(fault(three_labels, three_labels), HasSubstr(x + "this is a file of labels"));
  EXPECT_THAT(fault(three_images, three_images), HasSubstr(y + "this is a file of images"));
  EXPECT_THAT(fault(three_images, idx(8, {2}, "ab")),
              HasSubstr(y + "there are 2 labels for the 3"));
  EXPECT_THAT(fault(idx(8, {3, 0, 2}, ""), three_labels), HasSubstr(x + "a dimension is 0"));
  EXPECT_THAT(fault(idx(8, {3, 4}, "abcdefghijkl"), three_labels), HasSubstr("3 or 4 dimensions"));
  EXPECT_THAT(fault(three_images, idx(12, {3}, std::string(8, '\0') + "\xFF\xFF\xFF\xFF")),
              HasSubstr(y + "record 2 has label -1"));
  EXPECT_THAT(fault(idx(13, {1}, "abcd"), three_labels, ErrorCode::unsupported),
              HasSubstr(x + "values of IDX type 13 are not supported"));
  EXPECT_THAT(fault(idx(12, {1, 1, 1}, "abcd"), three_labels, ErrorCode::unsupported),
              HasSubstr(x + "pixels must be unsigned bytes"));
}

TEST(Idx, SizesAreNotBelievedBeforeTheyAreChecked) {
  const TempFolder folder;
  folder.write("y", three_labels);
  constexpr std::uint32_t huge = 0xFFFFFFFF;
  for (const auto& extents : std::vector<std::vector<std::uint32_t>>{
           {huge, 28, 28}, {huge, huge, huge}, {huge, huge, huge, huge}, {1000, 1000, 1000}}) {
    for (const bool compressed : {false, true}) {
      const std::string bytes = idx(8, extents, "abcd");
      folder.write("x", compressed ? gzip(bytes) : bytes);
      EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_idx(folder / "x", folder / "y"); }),
                  HasSubstr("x: the file ends early: its header claims more"));
    }
  }
}

TEST(Idx, AFileThatGrowsWhenDecompressedIsReadToItsHeadersSizeOnly) {
  const TempFolder folder;
  folder.write("x", gzip(three_images + std::string(50'000'000, '\0')));
  folder.write("y", three_labels);
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_idx(folder / "x", folder / "y"); }),
              HasSubstr("there are bytes after the 12"));
}

TEST(Idx, ReportsMissingFiles) {
  const TempFolder folder;
  folder.write("train-images-idx3-ubyte.gz", gzip(three_images));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_idx(folder / "train-images-idx3-ubyte.gz"); }),
              HasSubstr("there are no labels beside it, in train-labels-idx1-ubyte.gz or "
                        "train-labels-idx1-ubyte; say idx:IMAGES,LABELS"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_idx(folder / "none"); }),
              HasSubstr("none: No such file or directory"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_idx(folder.path()); }),
              HasSubstr("it is not a regular file"));
  folder.write("x", three_images);
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { open_idx(folder / "x"); }),
              HasSubstr("its name does not tell where its labels are"));
}

TEST(Idx, EveryCutIsAnError) {
  const TempFolder folder;
  folder.write("y", three_labels);
  for (const std::string& whole : {three_images, gzip(three_images)}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      folder.write("x", whole.substr(0, length));
      EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_idx(folder / "x", folder / "y"); }),
                  HasSubstr((folder / "x").string()))
          << length;
    }
  }
  folder.write("x", three_images);
  for (std::size_t length = 0; length < three_labels.size(); ++length) {
    folder.write("y", three_labels.substr(0, length));
    EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_idx(folder / "x", folder / "y"); }),
                HasSubstr((folder / "y").string()))
        << length;
  }
}

TEST(Idx, AnyDamagedByteOfGzipIsAnErrorOrHarmless) {
  const TempFolder folder;
  folder.write("y", three_labels);
  const std::string whole = gzip(three_images);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    folder.write("x", bytes);
    try {
      expect_the_three(*open_idx(folder / "x", folder / "y"));
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr((folder / "x").string()));
    }
  }
}

}  // namespace
}  // namespace headrace
