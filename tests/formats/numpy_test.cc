#include "headrace/formats/numpy.h"

#include <gmock/gmock.h>

#include "errors.h"
#include "headrace/formats/byte_source.h"
#include "headrace/formats/numpy_arrays.h"
#include "headrace/formats/zip_archive.h"
#include "image_fixtures.h"
#include "numpy_fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using test::npy;
using test::raw;
using test::zip;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string two_images = npy("|u1", "2, 2, 3", "abcdefghijkl");
const std::string two_labels = npy("<i8", "2,", raw<std::int64_t>({1, 0}));

class Numpy : public ::testing::Test {
 protected:
  std::shared_ptr<const Dataset> open(const std::string& name, const std::string& bytes,
                                      const std::string& choice = "",
                                      const DataOptions& options = {}) {
    return open_numpy(folder_.write(name, bytes).string() + choice, options);
  }
  std::shared_ptr<const Dataset> labelled(const std::string& images, const std::string& labels) {
    return open("a.npz", zip({{"images.npy", images}, {"labels.npy", labels}}));
  }
  std::string refusal(const std::string& images, ErrorCode code = ErrorCode::corrupt_data) {
    return error_of(code, [&] { open("a.npy", images); });
  }

  TempFolder folder_;
};

void expect_the_two(const Dataset& dataset) {
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_THAT(dataset.info().classes, ElementsAre("0", "1"));
  EXPECT_EQ(dataset.label(0), 1);
  EXPECT_EQ(dataset.label(1), 0);
  Record record;
  dataset.read(1, record);
  const ImageView& image = record.values.at(0).pixels;
  EXPECT_EQ(image.shape, (ImageShape{2, 3, 1}));
  EXPECT_EQ(image.row<char>(1)[2], 'l');
  EXPECT_EQ(*reinterpret_cast<const std::int32_t*>(record.values.at(1).bytes.data()), 0);
}

TEST_F(Numpy, ReadsTheLayoutOfKeras) {
  for (const bool deflate : {false, true}) {
    for (const bool sizes_64 : {false, true}) {
      const std::string file = zip({{"x_test.npy", npy("|u1", "1, 1, 1", "t")},
                                    {"x_train.npy", two_images},
                                    {"y_train.npy", two_labels},
                                    {"y_test.npy", npy("|u1", "1,", "\3")}},
                                   {deflate, sizes_64});
      expect_the_two(*open("mnist.npz", file));
      EXPECT_EQ(open("mnist.npz", file, "#test")->label(0), 3);
      EXPECT_EQ(open("mnist.npz", file, "#x_test,y_test")->size(), 1);
      EXPECT_EQ(open("mnist.npz", file, "#x_test")->label(0), -1);
      EXPECT_THAT(error_of(ErrorCode::invalid_argument,
                           [&] { open("mnist.npz", file, "#x_valid,y_test"); }),
                  AllOf(HasSubstr("no array 'x_valid'"), HasSubstr("x_train.npy")));
      EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { open("mnist.npz", file, "#valid"); }),
                  HasSubstr("no part 'valid'"));
    }
  }
}

TEST_F(Numpy, ReadsWhatNumPyWrites) {
  for (const char* name : {"saved.npz", "compressed.npz"}) {
    const auto dataset = open_numpy(std::string(fixtures_folder()) + "/numpy/" + name);
    ASSERT_EQ(dataset->size(), 3) << name;
    EXPECT_EQ(dataset->label(2), 7);
    Record record;
    dataset->read(2, record);
    EXPECT_EQ(record.values.at(0).pixels.shape, (ImageShape{4, 5, 3}));
    EXPECT_EQ(record.values.at(0).pixels.row<std::uint8_t>(3)[14], 179);  // counted from 0
  }
}

TEST_F(Numpy, FindsLabelsBesideImages) {
  folder_.write("labels.npy", two_labels);
  expect_the_two(*open("images.npy", two_images));
  folder_.write("y_train.npy", two_labels);
  expect_the_two(*open("x_train.npy", two_images));
  const std::string labels = (folder_ / "labels.npy").string();
  expect_the_two(*open("other.npy", two_images, "," + labels));
  EXPECT_EQ(open("other.npy", two_images)->info().fields.size(), 1U);
}

TEST_F(Numpy, TakesFloatsAsPixelsAndAsTargets) {
  const std::vector<float> pixels = {0.5F, 1, 2, 3};
  for (const std::string& images :
       {npy("<f4", "2, 1, 1, 2", raw(pixels)),
        npy("<f8", "2, 1, 1, 2", raw(std::vector<double>(pixels.begin(), pixels.end())))}) {
    const auto dataset = labelled(images, npy("<f4", "2, 3", raw<float>({0, 1, 0, .5, .25, .25})));
    EXPECT_EQ(dataset->info().fields.at(0).type, ElementType::f32);
    EXPECT_THAT(dataset->info().fields.at(1).shape, ElementsAre(3));
    EXPECT_EQ(dataset->label(0), 1);
    Record record;
    dataset->read(0, record);
    EXPECT_EQ(record.values.at(0).pixels.row<float>(0)[0], 0.5F);
    EXPECT_EQ(record.values.at(0).pixels.shape, (ImageShape{1, 1, 2}));
  }
  EXPECT_THAT(
      labelled(two_images, npy("<f8", "2,", raw<double>({1, 2})))->info().fields.at(1).shape,
      ElementsAre(1));
  EXPECT_THAT(labelled(two_images, npy("|b1", "2, 2", {"\1\0\1\1", 4}))->info().fields.at(1).shape,
              ElementsAre(2));
  EXPECT_EQ(labelled(two_images, npy("<u2", "2, 1", raw<std::uint16_t>({4, 5})))->label(1), 5);
}

TEST_F(Numpy, ReadsLargeArraysFromTheFile) {
  const std::string path = folder_.write("images.npy", two_images).string();
  folder_.write("labels.npy", two_labels);
  const auto dataset = open_numpy_within(1, path, {});
  expect_the_two(*dataset);
  EXPECT_EQ(dataset->key(1), path + ": record 1");
  const std::string npz =
      folder_.write("a.npz", zip({{"x.npy", two_images}, {"y.npy", two_labels}})).string();
  expect_the_two(*open_numpy_within(two_labels.size(), npz, {}));
  Record record;
  folder_.write("images.npy", two_images + "x");
  EXPECT_THAT(error_of(ErrorCode::io, [&] { dataset->read(0, record); }), HasSubstr("has changed"));
  folder_.write("images.npy", npy("<f8", "1, 1, 1", raw<double>({1})));
  EXPECT_THAT(error_of(ErrorCode::unsupported, [&] { open_numpy_within(1, path, {}); }),
              HasSubstr("astype(numpy.float32)"));
}

TEST_F(Numpy, MapsLabelsToTheClassesThatAreExpected) {
  folder_.write("labels.npy", two_labels);
  EXPECT_EQ(open("images.npy", two_images, "", {.classes = {"1", "0"}})->label(0), 0);
  EXPECT_THAT(error_of(ErrorCode::corrupt_data,
                       [&] { open("images.npy", two_images, "", {.classes = {"0"}}); }),
              HasSubstr("record 0 has label '1'"));
}

TEST_F(Numpy, SaysWhatToSaveInstead) {
  const auto unsupported = ErrorCode::unsupported;
  EXPECT_THAT(refusal(npy("|u1", "2, 2, 3", "abcdefghijkl", true), unsupported),
              AllOf(HasSubstr("a.npy"), HasSubstr("ascontiguousarray")));
  EXPECT_THAT(refusal(npy(">f4", "1, 1, 1", "abcd"), unsupported), HasSubstr("astype('<f4')"));
  EXPECT_THAT(refusal(npy("<i4", "1, 1, 1", "abcd"), unsupported), HasSubstr("uint8"));
  EXPECT_THAT(refusal(npy("|O", "1, 1, 1", "a"), unsupported), HasSubstr("type '|O'"));
  EXPECT_THAT(refusal(npy("<U2", "1, 1, 1", "abcdabcd"), unsupported), HasSubstr("type '<U2'"));
  EXPECT_THAT(refusal(npy("<f2", "1, 1, 1", "ab"), unsupported), HasSubstr("type '<f2'"));
  EXPECT_THAT(refusal(npy("|u1", "1, 3, 8, 8", std::string(192, 'x')), unsupported),
              HasSubstr("transpose(0, 2, 3, 1)"));
}

TEST_F(Numpy, RefusesWhatIsNotWhole) {
  EXPECT_THAT(refusal("text that is no array"), HasSubstr("no NumPy array"));
  EXPECT_THAT(refusal(npy("|u1", "2", "ab")), HasSubstr("and not (2)"));
  EXPECT_THAT(refusal(npy("|u1", "0, 2, 2", "")), HasSubstr("there are no images"));
  EXPECT_THAT(refusal(npy("|u1", "1, 9999999999, 9999999999", "x")), HasSubstr("ends early"));
  EXPECT_THAT(refusal(npy("|u1", "0, 9999999999, 9999999999", "")), HasSubstr("no images"));
  EXPECT_THAT(
      error_of(ErrorCode::corrupt_data, [&] { labelled(two_images, npy("|u1", "1,", "a")); }),
      HasSubstr("1 labels for 2 images"));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data,
                       [&] {
                         labelled(two_images, npy("<i4", "2,", raw<std::int32_t>({0, -1})));
                       }),
              HasSubstr("record 1 has label -1"));
  for (std::size_t size = 0; size < two_images.size(); ++size) {
    EXPECT_THROW(open("a.npy", two_images.substr(0, size)), Error) << size;
  }
}

TEST(ZipProperty, AFlippedOrMissingByteIsFoundOrHarmless) {
  for (const bool deflate : {false, true}) {
    const std::string archive = zip({{"x.npy", two_images}, {"y.npy", two_labels}}, {deflate});
    const auto contents = [](const std::string& bytes) {
      const MemorySource source(std::as_bytes(std::span(bytes)));
      std::vector<std::byte> x;
      for (const ZipMember& member : read_zip(source, "a.npz")) {
        if (member.name == "x.npy") x = read_zip_member(source, "a.npz", member);
      }
      return x;
    };
    const auto whole = contents(archive);
    ASSERT_EQ(whole.size(), two_images.size());
    for (std::size_t at = 0; at < archive.size(); ++at) {
      for (const bool cut : {false, true}) {
        std::string damaged = archive;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
        if (cut) damaged = archive.substr(0, at);
        try {
          const auto found = contents(damaged);
          EXPECT_TRUE(found == whole || found.empty()) << "byte " << at;
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("a.npz")) << "byte " << at;
        }
      }
    }
  }
}

}  // namespace
}  // namespace headrace
