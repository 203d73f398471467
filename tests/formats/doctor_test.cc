#include "headrace/formats/doctor.h"

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <random>
#include <string>

#include "errors.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/formats/examiner.h"
#include "headrace/formats/manifest.h"
#include "headrace/formats/open_dataset.h"
#include "tests/formats/jpeg_fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using fixtures::Bytes;
using fixtures::encode_as;
using fixtures::photo;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A picture of its own: bright and dark patches by a number.
Image patches(int height, int width, unsigned number) {
  Image image({height, width, 3});
  std::mt19937 rng(number);
  std::array<unsigned, 64> lights{};
  for (unsigned& light : lights) light = rng() % 128;
  for (int y = 0; y < height; ++y) {
    auto* row = image.row<std::uint8_t>(y);
    for (int x = 0; x < width; ++x) {
      const auto patch = static_cast<std::size_t>(y * 8 / height * 8 + x * 8 / width);
      const unsigned light = lights[patch];
      for (int c = 0; c < 3; ++c) {
        row[3 * x + c] = static_cast<std::uint8_t>(light + static_cast<unsigned>(20 * c) +
                                                   static_cast<unsigned>(x + y) % 5);
      }
    }
  }
  return image;
}

class Doctor : public ::testing::Test {
 protected:
  // Returns the record's number.
  std::int64_t add(const std::string& name, const std::string& content,
                   const std::string& label = "cat") {
    folder_.write(name, content);
    list_ += name + "," + label + "\n";
    return count_++;
  }
  std::int64_t add(const std::string& name, const Bytes& content,
                   const std::string& label = "cat") {
    return add(name, text_of(content), label);
  }
  std::int64_t add_fixture(const std::string& fixture, const std::string& name) {
    return add(name, bytes_of(fs::path(HEADRACE_TEST_FIXTURES) / "images" / fixture));
  }
  std::shared_ptr<const Dataset> dataset() const {
    return open_dataset(folder_.write("list.csv", list_).string());
  }
  DoctorReport examine(const DoctorOptions& options = {}) const {
    return examine_dataset(*dataset(), options);
  }

  TempFolder folder_;
  std::string list_ = "path,label\n";
  std::int64_t count_ = 0;
};

TEST_F(Doctor, NamesWhatIsWrong) {
  const Bytes sound = encode_as(patches(80, 100, 1), {2, 2});
  Bytes cut = sound;
  cut.resize(cut.size() / 2);
  Bytes damaged = encode_as(patches(80, 100, 2), {2, 2, false, 2});
  const std::size_t marker = fixtures::find_marker(damaged, 0xD1);
  damaged[marker + 1] = std::byte{0xD5};  // a restart marker that is not due

  const std::int64_t good = add("good.jpg", sound);
  const std::int64_t truncated = add("cut.jpg", cut);
  const std::int64_t corrupt = add("damaged.jpg", damaged);
  const std::int64_t empty = add("empty.jpg", std::string());
  const std::int64_t text = add("text.jpg", std::string("no picture at all"));
  const std::int64_t missing = add("missing.jpg", std::string("x"));
  fs::remove(folder_ / "missing.jpg");
  const std::int64_t cmyk = add_fixture("cmyk_adobe.jpg", "cmyk.jpg");
  const std::int64_t deep = add_fixture("grey16.png", "deep.png");
  const std::int64_t rotated = add_fixture("orientation_6.jpg", "turned.jpg");
  const std::int64_t misnamed = add("not.png", encode_as(patches(80, 100, 3), {2, 2}));
  const std::int64_t line = add("line.jpg", encode_as(patches(8, 200, 4), {1, 1}));

  const DoctorReport report = examine();
  const auto only = [&](Finding finding) { return report.with(bit(finding)); };
  EXPECT_EQ(report.facts[static_cast<std::size_t>(good)].findings, 0u);
  EXPECT_THAT(only(Finding::truncated), ElementsAre(truncated));
  EXPECT_THAT(only(Finding::corrupt), ElementsAre(corrupt));
  EXPECT_THAT(only(Finding::empty), ElementsAre(empty));
  EXPECT_THAT(only(Finding::no_image), ElementsAre(text));
  EXPECT_THAT(only(Finding::unreadable), ElementsAre(missing));
  EXPECT_THAT(only(Finding::cmyk), ElementsAre(cmyk));
  EXPECT_THAT(only(Finding::sixteen_bit), ElementsAre(deep));
  EXPECT_THAT(only(Finding::rotated), ElementsAre(rotated));
  EXPECT_THAT(only(Finding::misnamed), ElementsAre(misnamed));
  EXPECT_THAT(only(Finding::odd_size), ElementsAre(line));
  EXPECT_THAT(report.with(unusable), ElementsAre(truncated, corrupt, empty, text, missing));
  EXPECT_THAT(report.messages.at(truncated), HasSubstr("JPEG ends after"));
  EXPECT_EQ(report.messages.size(), 5u);
}

TEST_F(Doctor, FindsGreyStoredInColour) {
  Image grey = patches(50, 70, 5);
  for (int y = 0; y < 50; ++y) {
    auto* row = grey.row<std::uint8_t>(y);
    for (int x = 0; x < 70; ++x) row[3 * x + 1] = row[3 * x + 2] = row[3 * x];
  }
  EXPECT_TRUE(is_grey(grey.view()));
  add("grey.jpg", encode_as(grey, {1, 1}));
  add("colour.jpg", encode_as(patches(50, 70, 5), {1, 1}));
  EXPECT_THAT(examine().with(bit(Finding::grey_in_colour)), ElementsAre(0));
  for (const int at : {0, 3 * 69 + 2, 3 * 33 + 1}) {
    Image nearly = grey;
    nearly.row<std::uint8_t>(49)[at] ^= 1;
    EXPECT_FALSE(is_grey(nearly.view())) << at;
  }
}

TEST_F(Doctor, FindsDuplicatesAndTheirLabels) {
  for (unsigned i = 0; i < 20; ++i) {
    add(std::to_string(i) + ".jpg", encode_as(patches(96, 128, i), {2, 2, false, 0}),
        i % 2 == 0 ? "cat" : "dog");
  }
  const Bytes third = encode_as(patches(96, 128, 3), {2, 2, false, 0});
  const std::int64_t again = add("again.jpg", third, "dog");
  const std::int64_t otherwise = add("otherwise.jpg", third, "cat");
  const std::int64_t coarse =
      add("coarse.jpg", encode_as(patches(96, 128, 7), {2, 2, false, 0, false, 40}), "dog");
  const std::int64_t smaller = add("smaller.jpg", encode_as(patches(72, 96, 7), {1, 1}), "dog");

  const DoctorReport report = examine();
  EXPECT_THAT(report.duplicates.same, ElementsAre(ElementsAre(3, again, otherwise)));
  EXPECT_THAT(report.duplicates.alike, ElementsAre(ElementsAre(7, coarse, smaller)));
  EXPECT_THAT(report.with(bit(Finding::duplicate)), ElementsAre(again, otherwise));
  EXPECT_THAT(report.with(bit(Finding::near_duplicate)), ElementsAre(coarse, smaller));
  EXPECT_THAT(report.with(bit(Finding::two_labels)), ElementsAre(3, again, otherwise));
  EXPECT_THAT(report.classes, ElementsAre(11, 13));
}

TEST_F(Doctor, ImagesOfOneColourDoNotLookAlike) {
  for (int i = 0; i < 3; ++i) {
    Image flat({40, 40, 3});
    std::fill_n(flat.data(), 40 * 40 * 3, static_cast<std::byte>(100 + i));
    add(std::to_string(i) + ".jpg", encode_as(flat, {1, 1}));
  }
  EXPECT_TRUE(examine().duplicates.alike.empty());
}

TEST_F(Doctor, LooksAtArraysToo) {
  std::vector<std::uint8_t> pixels(3 * 16 * 16);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i % 256 * (1 + i / 512));
  }
  ImageArrays arrays;
  arrays.shape = {16, 16, 1};
  arrays.u8_pixels = pixels;
  const DoctorReport report = examine_dataset(ArrayDataset(arrays), {});
  EXPECT_THAT(report.duplicates.same, ElementsAre(ElementsAre(0, 1)));
  EXPECT_EQ(report.facts[2].height, 16);
  EXPECT_TRUE(report.classes.empty());
}

TEST_F(Doctor, GoesOnFromItsNotes) {
  for (unsigned i = 0; i < 12; ++i) {
    add(std::to_string(i) + ".jpg", encode_as(patches(40, 40, i), {2, 2}));
  }
  add("text.jpg", std::string("no picture"));
  DoctorOptions options;
  options.notes = folder_ / "notes";
  const DoctorReport whole = examine(options);
  const std::string notes = bytes_of(options.notes);
  const std::size_t first_row_end = notes.find('\n', notes.find('\n') + 1);
  for (std::size_t size = 0; size <= notes.size(); size += 61) {
    folder_.write("notes", notes.substr(0, size));
    const DoctorReport report = examine(options);
    EXPECT_EQ(report.known > 0, size > first_row_end) << size;
    EXPECT_EQ(report.messages, whole.messages);
    ASSERT_EQ(report.facts.size(), whole.facts.size());
    for (std::size_t i = 0; i < whole.facts.size(); ++i) {
      EXPECT_EQ(manifest_row(0, report.facts[i], "", ""), manifest_row(0, whole.facts[i], "", ""));
    }
    EXPECT_EQ(bytes_of(options.notes), notes);
  }
  options.least_side = 50;  // other findings: the notes are of no use
  EXPECT_EQ(examine(options).known, 0);
}

TEST_F(Doctor, StopsWhenTold) {
  add("a.jpg", encode_as(patches(40, 40, 1), {2, 2}));
  const std::atomic<bool> stop{true};
  DoctorOptions options;
  options.stop = &stop;
  error_of(ErrorCode::cancelled, [&] { examine(options); });
}

TEST_F(Doctor, AManifestLeavesOutWhatItNames) {
  for (unsigned i = 0; i < 6; ++i) {
    add(std::to_string(i) + ".jpg", encode_as(patches(40, 40, i), {2, 2}));
  }
  const auto all = dataset();
  const ManifestHead head{"list.csv", "", all->fingerprint(), 6, {0, 2, 3}};
  const auto path = folder_.write("a.manifest", manifest_head(head));
  const auto kept = open_dataset(path.string());
  ASSERT_EQ(kept->size(), 3);
  EXPECT_EQ(kept->key(0), all->key(1));
  EXPECT_EQ(kept->key(1), all->key(4));
  EXPECT_EQ(kept->key(2), all->key(5));
  EXPECT_NE(kept->fingerprint(), all->fingerprint());

  std::string text = manifest_head(head);
  text[text.find("0,2,3")] = '1';
  folder_.write("a.manifest", text);
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_dataset(path.string()); }),
              HasSubstr("a.manifest is damaged"));
  folder_.write("a.manifest", manifest_head({"list.csv", "", 1, 6, {0}}));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_dataset(path.string()); }),
              HasSubstr("has changed since then"));
  folder_.write("a.manifest", manifest_head({"a.manifest", "", 1, 6, {0}}));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_dataset(path.string()); }),
              HasSubstr("is of another manifest"));
  EXPECT_THROW(leave_out(all, {0, 1, 2, 3, 4, 5}), Error);
  EXPECT_THROW(leave_out(all, {2, 1}), Error);
  EXPECT_THROW(leave_out(all, {6}), Error);
}

TEST(RecordFacts, FindingsHaveNames) {
  EXPECT_EQ(to_text(bit(Finding::cmyk) | bit(Finding::two_labels)), "cmyk,two-labels");
  EXPECT_EQ(parse_findings("cmyk,two-labels"), bit(Finding::cmyk) | bit(Finding::two_labels));
  EXPECT_EQ(parse_findings(""), 0u);
  EXPECT_FALSE(parse_findings("cmyk,blue"));
}

}  // namespace
}  // namespace headrace
