#include "headrace/formats/seek_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <string_view>

#include "headrace/formats/baseline/region_decoder.h"
#include "headrace/formats/libjpeg.h"
#include "headrace/formats/libjpeg_decoder.h"
#include "headrace/formats/open_dataset.h"
#include "tests/formats/jpeg_fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using fixtures::Bytes;
using fixtures::encode_as;
using fixtures::Layout;
using fixtures::photo;

class SeekIndexTest : public ::testing::Test {
 protected:
  void add(const Bytes& bytes) {
    const std::string name = std::to_string(list_.size()) + ".jpg";
    folder_.write(name,
                  std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    list_ += name + ",0\n";
  }

  SeekIndexReport write(const SeekIndexOptions& options = {}) const {
    const auto list = folder_.write("list.csv", "path,label\n" + list_);
    return write_seek_index(*open_dataset(list.string(), DataOptions{}), path(), options);
  }

  std::filesystem::path path() const { return folder_ / "list.seek"; }

  // The error of opening the index with those bytes.
  std::string refusal(const std::string& content) const {
    folder_.write("list.seek", content);
    try {
      SeekIndex::open(path());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

 private:
  TempFolder folder_;
  std::string list_;
};

TEST_F(SeekIndexTest, RegionsAreThoseOfTheWholeImage) {
  std::mt19937 rng(1);
  std::vector<Bytes> files;
  for (const auto& [horizontal, vertical] : {std::pair(1, 1), {2, 1}, {1, 2}, {2, 2}}) {
    for (const unsigned restart_interval : {0u, 1u, 5u, 8u}) {
      files.push_back(encode_as(photo(130, 170), {horizontal, vertical, false, restart_interval}));
      add(files.back());
    }
  }
  Layout grey;
  grey.grey = true;
  files.push_back(encode_as(photo(97, 61), grey));
  add(files.back());
  const SeekIndexReport report = write();
  EXPECT_EQ(report.indexed, 17);
  EXPECT_EQ(report.others, 0);
  EXPECT_EQ(report.bytes, static_cast<std::int64_t>(std::filesystem::file_size(path())));

  const auto index = SeekIndex::open(path());
  EXPECT_EQ(index->images(), 17);
  DecodeOptions options;
  options.seek_index = index;
  const auto session = make_jpeg_decoder(options)->session();
  for (const Bytes& file : files) {
    ASSERT_FALSE(index->find(file).empty());
    const Image whole = fixtures::decode(*make_libjpeg_decoder()->session(), file, 3);
    const ImageSize size = whole.shape().size();
    for (int i = 0; i < 60; ++i) {
      const auto below = [&](int count) {
        return static_cast<int>(rng() % static_cast<unsigned>(count));
      };
      Region region{0, 0, 1 + below(size.height), 1 + below(size.width)};
      region.top = below(size.height - region.height + 1);
      region.left = below(size.width - region.width + 1);
      session->open(file);
      Image part;
      session->decode({region, 3}, part);
      for (int y = 0; y < region.height; ++y) {
        const auto* const expected = whole.view().row<std::byte>(region.top + y) + region.left * 3;
        const auto* const actual = part.view().row<std::byte>(y);
        ASSERT_TRUE(std::equal(actual, actual + part.row_bytes(), expected)) << "row " << y;
      }
    }
  }
}

TEST_F(SeekIndexTest, HoldsSoundBaselineFilesAlone) {
  const Bytes sound = encode_as(photo(60, 60), {2, 2});
  Bytes cut = sound;
  cut.resize(cut.size() - 40);
  const Bytes progressive = encode_as(photo(60, 60), {2, 2, true});
  add(sound);
  add(cut);
  add(progressive);
  const SeekIndexReport report = write();
  EXPECT_EQ(report.indexed, 1);
  EXPECT_EQ(report.others, 2);
  const auto index = SeekIndex::open(path());
  EXPECT_FALSE(index->find(sound).empty());
  EXPECT_TRUE(index->find(cut).empty());
  Bytes changed = sound;
  changed.back() ^= std::byte{1};
  EXPECT_TRUE(index->find(changed).empty()) << "no longer that image";
}

TEST_F(SeekIndexTest, TakesOverWhatIsKnown) {
  add(encode_as(photo(60, 60), {2, 2}));
  write();
  const auto known = SeekIndex::open(path());
  const std::string before = bytes_of(path());
  SeekIndexOptions options;
  options.known = known.get();
  EXPECT_EQ(write(options).known, 1);
  EXPECT_EQ(bytes_of(path()), before);
  add(encode_as(photo(61, 60), {2, 2}));
  const SeekIndexReport report = write(options);
  EXPECT_EQ(report.known, 1);
  EXPECT_EQ(report.indexed, 2);
}

TEST_F(SeekIndexTest, ADamagedFileIsRefusedOrDoesNoHarm) {
  const Bytes image = encode_as(photo(60, 60), {2, 2});
  add(image);
  write();
  const std::string sound = bytes_of(path());
  EXPECT_EQ(refusal(sound), "");
  for (std::size_t i = 0; i < sound.size(); ++i) {
    std::string damaged = sound;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    if (refusal(damaged).empty()) {
      EXPECT_TRUE(SeekIndex::open(path())->find(image).empty()) << "byte " << i;
    }
    if (i % 7 == 1) {
      EXPECT_THAT(refusal(sound.substr(0, i)), ::testing::HasSubstr("headrace index")) << i;
    }
  }
}

TEST_F(SeekIndexTest, StopsWithoutReplacingWhatWasThere) {
  add(encode_as(photo(20, 20), {}));
  write();
  const std::string before = bytes_of(path());
  const std::atomic<bool> stop = true;
  SeekIndexOptions options;
  options.stop = &stop;
  EXPECT_THROW(write(options), Error);
  EXPECT_EQ(bytes_of(path()), before);
}

// Bounds hold whatever the points say.
TEST(SeekPoints, ThatAreWrongLeadNowhereElse) {
  std::mt19937 rng(2);
  const Bytes file = encode_as(photo(90, 120), {2, 2, false, 4});
  LibjpegErrors errors;
  jpeg_decompress_struct info;
  info.err = &errors.manager;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&info, TRUE);
  const auto frame = baseline::frame_of(info);
  ASSERT_TRUE(frame);
  const std::span scan(info.src->next_input_byte, info.src->bytes_in_buffer);
  baseline::RegionDecoder decoder;
  int decoded = 0;
  for (int i = 0; i < 500; ++i) {
    Bytes points(10 * (rng() % 9));
    for (auto& byte : points) byte = static_cast<std::byte>(rng());
    for (std::size_t k = 0; k < points.size(); k += 10)
      points[k + 2] = points[k + 3] = std::byte{0};
    Image part({20, 30, 3});
    decoded += decoder.decode(*frame, std::as_bytes(scan), baseline::SeekPoints(points),
                              {static_cast<int>(rng() % 70), static_cast<int>(rng() % 90), 20, 30},
                              8, part);
  }
  EXPECT_LT(decoded, 500);
  jpeg_destroy_decompress(&info);
}

}  // namespace
}  // namespace headrace
