#include "headrace/formats/hdf5.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "errors.h"
#include "headrace/formats/array_file.h"
#include "headrace/formats/hdf5_heap.h"
#include "headrace/formats/open_dataset.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int count = 7;
constexpr ImageShape shape{4, 5, 3};
const std::vector<int> numbers{2, 0, 1, 1, 0, 2, 3};

std::string fixture(const std::string& name) {
  return std::string(HEADRACE_TEST_FIXTURES) + "/hdf5/" + name;
}

class Hdf5 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HEADRACE_HAS_HDF5) GTEST_SKIP() << "built without HDF5 (install libhdf5-dev)";
  }
  std::shared_ptr<const Dataset> open(const std::string& choice, const DataOptions& options = {}) {
    return open_hdf5(fixture("layouts.h5#" + choice), options);
  }
};

// Byte i of all images is i, modulo 256.
void expect_image(const Dataset& dataset, std::int64_t index) {
  Record record;
  dataset.read(index, record);
  const ImageView& image = record.values.at(0).pixels;
  ASSERT_EQ(image.shape, shape);
  std::size_t at = static_cast<std::size_t>(index) * shape.elements();
  for (int y = 0; y < shape.height; ++y) {
    for (int x = 0; x < shape.width * shape.channels; ++x, ++at) {
      if (image.type == ElementType::u8) {
        ASSERT_EQ(image.row<std::uint8_t>(y)[x], at % 256);
      } else {
        ASSERT_EQ(image.row<float>(y)[x], static_cast<float>(at % 256) / 2);
      }
    }
  }
}

std::string content_of(const std::string& image) {
  std::ifstream file(std::string(HEADRACE_TEST_FIXTURES) + "/images/" + image, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string_view text_of(const Record& record) {
  const auto bytes = record.values.at(0).bytes;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_F(Hdf5, ReadsPixelsHoweverTheyLie) {
  for (const char* name : {"contiguous", "chunked", "parts", "compressed", "floats", "virtual"}) {
    SCOPED_TRACE(name);
    const auto dataset = open(name);
    ASSERT_EQ(dataset->size(), count);
    EXPECT_EQ(dataset->info().fields.size(), 1u);
    EXPECT_EQ(dataset->label(3), -1);
    for (const int index : {0, 6, 2, 3, 5, 1, 4}) expect_image(*dataset, index);
  }
}

TEST_F(Hdf5, PassesTheLibraryWherePixelsLieAsTheyAre) {
  for (const char* name : {"contiguous", "chunked", "floats"}) {
    EXPECT_NE(dynamic_cast<const ArrayFile*>(open(name).get()), nullptr) << name;
  }
  for (const char* name : {"parts", "compressed", "virtual", "empty"}) {
    EXPECT_EQ(dynamic_cast<const ArrayFile*>(open(name).get()), nullptr) << name;
  }
  const auto behind_a_user_block = open_hdf5(fixture("user_block.h5"));
  EXPECT_EQ(dynamic_cast<const ArrayFile*>(behind_a_user_block.get()), nullptr);
  expect_image(*behind_a_user_block, 4);
}

TEST_F(Hdf5, ReadsArraysThatHaveNoValuesYetAsZeros) {
  Record record;
  open("empty")->read(6, record);
  EXPECT_EQ(record.values.at(0).pixels.row<std::uint8_t>(3)[14], 0);
}

TEST_F(Hdf5, ReadsFilesOfImages) {
  const auto dataset = open_dataset(fixture("encoded.h5"));
  ASSERT_EQ(dataset->size(), 2);
  EXPECT_EQ(dataset->info().fields.at(0).kind, FieldKind::encoded_image);
  EXPECT_EQ(dataset->label(0), 1);
  EXPECT_EQ(open_dataset(fixture("layouts.h5#chunked,labels/column"))->label(6), 3);
}

TEST_F(Hdf5, ReadsFilesOfImagesThatLieInTheFileAndThoseThatTheLibraryUnpacksAlike) {
  for (const char* name : {"images", "chunked", "compressed"}) {
    const auto dataset = open_hdf5(fixture("encoded.h5#" + std::string(name)));
    for (const auto& [index, file_name] : {std::pair(1, "rgb.png"), std::pair(0, "grey.png")}) {
      Record record;
      dataset->read(index, record);
      EXPECT_TRUE(text_of(record) == content_of(file_name)) << name;
    }
  }
}

TEST_F(Hdf5, ContentIsKnownByItsFileUnlessItIsElsewhere) {
  std::ifstream file(fixture("layouts.h5"), std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(file), {});
  const TempFolder folder;
  const std::string path = folder.write("layouts.h5", whole).string();
  for (const char* name : {"#contiguous", "#compressed"}) {
    const auto before = open_hdf5(path + name)->content_fingerprint();
    ASSERT_TRUE(before.has_value());
    EXPECT_EQ(open_hdf5(path + name)->content_fingerprint(), before);
    folder.write("layouts.h5", whole + "x");
    EXPECT_NE(open_hdf5(path + name)->content_fingerprint(), before);
    folder.write("layouts.h5", whole);
  }
  EXPECT_EQ(open_hdf5(path + "#virtual")->content_fingerprint(), std::nullopt);
}

TEST_F(Hdf5, ReadsLabelsOfEveryForm) {
  for (const char* name : {"labels/numbers", "/labels/column"}) {
    const auto dataset = open(std::string("chunked,") + name);
    EXPECT_THAT(dataset->info().classes, ElementsAre("0", "1", "2", "3"));
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(dataset->label(i), numbers[static_cast<std::size_t>(i)]);
    }
  }
  for (const char* name : {"labels/texts", "labels/fixed_texts"}) {
    const auto dataset = open(std::string("compressed,") + name);
    EXPECT_THAT(dataset->info().classes, ElementsAre("ant", "cat", "dog", "eel"));
    EXPECT_EQ(dataset->label(0), 2);
    EXPECT_EQ(dataset->label(6), 3);
    Record record;
    dataset->read(4, record);
    EXPECT_EQ(*reinterpret_cast<const std::int32_t*>(record.values.at(1).bytes.data()), 1);
  }
  const auto one_hot = open("contiguous,labels/one_hot");
  EXPECT_THAT(one_hot->info().fields.at(1).shape, ElementsAre(4));
  EXPECT_EQ(one_hot->label(5), 2);
  Record record;
  open("contiguous,labels/values")->read(6, record);
  EXPECT_EQ(*reinterpret_cast<const float*>(record.values.at(1).bytes.data()), 0.75f);
}

TEST_F(Hdf5, LabelsAreThoseOfExpectedClasses) {
  const DataOptions options{.classes = {"eel", "dog", "cat", "ant"}};
  EXPECT_EQ(open("chunked,labels/texts", options)->label(6), 0);
  EXPECT_THAT(error_of(ErrorCode::corrupt_data,
                       [&] {
                         open("chunked,labels/texts", {.classes = {"ant", "cat"}});
                       }),
              AllOf(HasSubstr("labels/texts: record 0"), HasSubstr("'dog'")));
}

TEST_F(Hdf5, ThreadsReadSideBySide) {
  for (const char* name : {"chunked", "compressed"}) {
    const auto dataset = open(name);
    std::vector<std::jthread> threads;
    for (int number = 0; number < 3; ++number) {
      threads.emplace_back([&, number] {
        for (int i = 0; i < 100; ++i) expect_image(*dataset, (i * 3 + number) % count);
      });
    }
  }
}

TEST_F(Hdf5, RefusesWhatItCannotServeAndSaysWhatThereIs) {
  EXPECT_THAT(error_of(ErrorCode::unsupported, [&] { open("doubles"); }),
              AllOf(HasSubstr("layouts.h5: doubles"), HasSubstr("uint8 or float32")));
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { open("none,labels/texts"); }),
              AllOf(HasSubstr("no array 'none'"), HasSubstr("labels/one_hot")));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open("chunked,labels/too_few"); }),
              HasSubstr("5 labels for 7 images"));
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { open_hdf5(fixture("layouts.h5")); }),
              HasSubstr("layouts.h5#images,labels"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_hdf5(fixture("nowhere.h5")); }),
              HasSubstr("nowhere.h5"));
}

TEST_F(Hdf5, EveryCutIsAnErrorThatNamesTheFile) {
  for (const char* name : {"encoded.h5", "layouts.h5"}) {
    std::ifstream file(fixture(name), std::ios::binary);
    const std::string whole(std::istreambuf_iterator<char>(file), {});
    const TempFolder folder;
    for (std::size_t size = 0; size < whole.size(); size += 97) {
      const auto path = folder.write("cut.h5", whole.substr(0, size)).string();
      EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_hdf5(path); }), HasSubstr("cut.h5"))
          << size;
    }
  }
}

// Of the parser of our own, which reads no more than it checks.
TEST(Hdf5Heap, EveryChangeOfAByteIsFoundOrHarmless) {
  std::string heap = std::string("GCOL\1\0\0\0", 8) + std::string("\x48\0\0\0\0\0\0\0", 8);
  heap += std::string("\1\0\1\0\0\0\0\0\3\0\0\0\0\0\0\0abc\0\0\0\0\0", 24);
  heap += std::string("\2\0\1\0\0\0\0\0\5\0\0\0\0\0\0\0fghij\0\0\0", 24);
  heap.resize(72 + 8, 'x');
  const auto value_of = [](const std::string& bytes, const HeapReference& reference) {
    std::vector<std::byte> into;
    const std::size_t size =
        read_heap_value(MemorySource(std::as_bytes(std::span(bytes))), "a.h5", reference, into);
    return std::string(reinterpret_cast<const char*>(into.data()), size);
  };
  EXPECT_EQ(value_of(heap, {3, 0, 1}), "abc");
  EXPECT_EQ(value_of(heap, {5, 0, 2}), "fghij");
  EXPECT_EQ(value_of(heap, {0, 999, 9}), "");
  for (const HeapReference& wrong :
       {HeapReference{6, 0, 2}, HeapReference{3, 0, 3}, HeapReference{3, 8, 1},
        HeapReference{3, 1u << 30, 1}, HeapReference{3, ~std::uint64_t{0}, 1}}) {
    EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { value_of(heap, wrong); }),
                HasSubstr("a.h5 at byte"));
  }
  for (std::size_t at = 0; at < heap.size(); ++at) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = heap;
      changed[at] = static_cast<char>(value);
      try {
        EXPECT_EQ(value_of(changed, {5, 0, 2}).size(), 5u);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
      }
    }
  }
}

}  // namespace
}  // namespace headrace
