#include "headrace/formats/pack.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "errors.h"
#include "headrace/formats/array_dataset.h"
#include "headrace/formats/image_codec.h"
#include "headrace/formats/open_dataset.h"
#include "headrace/formats/pack_writer.h"
#include "tests/formats/jpeg_fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using fixtures::Bytes;
using fixtures::encode_as;
using fixtures::photo;
using test::error_of;
using ::testing::HasSubstr;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A list of photos of several sizes, one of them progressive, with two classes.
class Pack : public ::testing::Test {
 protected:
  Pack() {
    for (int i = 0; i < 6; ++i) {
      const Bytes file = encode_as(photo(40 + 8 * i, 90 - 7 * i), {2, 2, i == 3, 0});
      const std::string name = "images/" + std::to_string(i) + ".jpg";
      folder_.write(name, text_of(file));
      list_ += name + (i % 2 == 0 ? ",dog\n" : ",cat\n");
    }
    folder_.write("list.csv", list_);
  }

  std::shared_ptr<const Dataset> source() const {
    return open_dataset((folder_ / "list.csv").string());
  }
  fs::path path() const { return folder_ / "a.hpack"; }
  PackReport write(const PackOptions& options = {}) const {
    return write_pack(*source(), path(), options);
  }

  TempFolder folder_;
  std::string list_ = "path,label\n";
};

Record read(const Dataset& dataset, std::int64_t index) {
  Record record;
  dataset.read(index, record);
  return record;
}

// All pixels of an image, by its hint if it has one.
std::string pixels_of(const Dataset& dataset, std::int64_t index) {
  const Record record = read(dataset, index);
  const auto session = make_image_decoder()->session();
  const ImageInfo info = session->open_with_hint(record.values[0].bytes, record.values[0].hint);
  Image image;
  session->decode({{0, 0, info.shape.height, info.shape.width}, 3}, image);
  return text_of({image.data(), image.shape().elements()});
}

TEST_F(Pack, HoldsTheRecordsAsTheyWere) {
  const PackReport report = write();
  EXPECT_EQ(report.records, 6);
  EXPECT_EQ(report.kept, 0);
  EXPECT_EQ(report.indexed, 5);  // all but the progressive one
  EXPECT_EQ(report.parts, 1);
  EXPECT_EQ(report.bytes, static_cast<std::int64_t>(fs::file_size(path())));
  EXPECT_FALSE(fs::exists(path().string() + ".partial"));

  const auto files = source();
  const auto pack = open_dataset(path().string());
  ASSERT_EQ(pack->size(), 6);
  EXPECT_EQ(pack->info().classes, files->info().classes);
  EXPECT_EQ(pack->fingerprint(), files->fingerprint());
  for (std::int64_t i = 0; i < 6; ++i) {
    const Record expected = read(*files, i);
    const Record actual = read(*pack, i);
    EXPECT_EQ(text_of(actual.values[0].bytes), text_of(expected.values[0].bytes));
    EXPECT_EQ(text_of(actual.values[1].bytes), text_of(expected.values[1].bytes));
    EXPECT_EQ(actual.values[0].hint.empty(), i == 3);
    EXPECT_EQ(pixels_of(*pack, i), pixels_of(*files, i));
    EXPECT_EQ(pack->label(i), files->label(i));
    EXPECT_EQ(pack->key(i),
              path().string() + ": record " + std::to_string(i) + ": " + files->key(i));
    Record at_once;
    EXPECT_TRUE(pack->try_read(i, at_once));
  }
}

TEST_F(Pack, TakesTheClassesOfAnotherDataSet) {
  write();
  const auto pack = open_pack(path(), {.classes = {"horse", "dog", "cat"}});
  EXPECT_EQ(pack->label(0), 1);
  EXPECT_EQ(pack->label(1), 2);
  std::int32_t label = 0;
  std::memcpy(&label, read(*pack, 1).values[1].bytes.data(), sizeof label);
  EXPECT_EQ(label, 2);
  EXPECT_NE(pack->fingerprint(), source()->fingerprint());
  const std::string error = error_of(ErrorCode::corrupt_data, [this] {
    open_pack(path(), {.classes = {"horse", "dog"}});
  });
  EXPECT_THAT(error, HasSubstr("record 1: "));
  EXPECT_THAT(error, HasSubstr("'cat' is not one of the 2 classes"));
}

TEST_F(Pack, RawPixelsAreUpright) {
  const fs::path fixture = fs::path(HEADRACE_TEST_FIXTURES) / "images/orientation_6.jpg";
  const auto list = folder_.write("one.csv", fixture.string() + "\n");
  const auto files = open_dataset(list.string());
  const auto session = make_image_decoder()->session();
  const ImageInfo stored = session->open(read(*files, 0).values[0].bytes);
  ASSERT_NE(stored.shape.height, stored.shape.width);
  PackOptions options;
  options.raw = true;
  write_pack(*files, path(), options);
  const Record record = read(*open_pack(path()), 0);
  EXPECT_EQ(record.values[0].pixels.shape.height, stored.shape.width);
  EXPECT_EQ(record.values[0].pixels.shape.width, stored.shape.height);
}

TEST_F(Pack, RawPixelsAreOfAnySize) {
  PackOptions options;
  options.raw = true;
  write(options);
  const auto pack = open_pack(path());
  const auto& field = pack->info().fields[0];
  EXPECT_EQ(field.kind, FieldKind::pixels);
  EXPECT_EQ(field.shape, (std::vector<std::int64_t>{0, 0, 3}));  // they differ
  for (std::int64_t i = 0; i < 6; ++i) {
    const Record record = read(*pack, i);
    const ImageView& view = record.values[0].pixels;
    EXPECT_EQ(view.shape.height, 40 + 8 * i);
    EXPECT_EQ(text_of({view.data, view.shape.elements()}), pixels_of(*source(), i));
  }
  EXPECT_NE(pack->fingerprint(), source()->fingerprint());
}

TEST_F(Pack, ImagesAreResizedAndEncodedAnew) {
  PackOptions options;
  options.resize = [](const ImageView& view, Image& into) {
    into.reshape({view.shape.height / 2, view.shape.width / 2, view.shape.channels});
    for (int y = 0; y < into.shape().height; ++y) {
      std::copy_n(view.row<std::byte>(2 * y), into.row_bytes(), into.row<std::byte>(y));
    }
  };
  options.quality = 50;
  write(options);
  const auto pack = open_pack(path());
  const auto session = make_image_decoder()->session();
  EXPECT_EQ(session->open(read(*pack, 2).values[0].bytes).shape, (ImageShape{28, 38, 3}));
  EXPECT_EQ(verify_pack(*source(), path(), options), 6);
}

TEST_F(Pack, HoldsArraysAndTargets) {
  std::vector<float> pixels(5 * 4 * 3 * 2);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i) / 7;
  std::vector<float> targets(5 * 3, 0.25f);
  targets[4] = 0.5f;
  ImageArrays arrays;
  arrays.shape = {4, 3, 2};
  arrays.f32_pixels = pixels;
  arrays.targets = targets;
  const ArrayDataset source(arrays);
  write_pack(source, path());
  const auto pack = open_pack(path());
  ASSERT_EQ(pack->size(), 5);
  const Record record = read(*pack, 1);
  const ImageView& view = record.values[0].pixels;
  EXPECT_EQ(view.type, ElementType::f32);
  EXPECT_EQ(view.shape, arrays.shape);
  EXPECT_EQ(view.row<float>(3)[5], pixels[2 * 24 - 1]);
  EXPECT_EQ(text_of(record.values[1].bytes),
            text_of(std::as_bytes(std::span(targets).subspan(3, 3))));
  EXPECT_EQ(pack->label(1), 1);
  EXPECT_EQ(verify_pack(source, path()), 5);
}

TEST_F(Pack, HoldsWhatMovesWithImages) {
  folder_.write("targets.csv",
                "path,label,mask,boxes\nimages/0.jpg,a,images/1.jpg,1 2 3 4 5\n"
                "images/1.jpg,b,images/0.jpg,\n");
  const auto source = open_dataset((folder_ / "targets.csv").string());
  write_pack(*source, path());
  const auto pack = open_pack(path());
  const auto& fields = pack->info().fields;
  ASSERT_EQ(fields.size(), 4u);
  EXPECT_EQ(fields[2].target, FieldTarget::mask);
  EXPECT_EQ(fields[3].target, FieldTarget::boxes);
  for (std::int64_t i = 0; i < 2; ++i) {
    for (const std::size_t field : {2, 3}) {
      EXPECT_EQ(text_of(read(*pack, i).values[field].bytes),
                text_of(read(*source, i).values[field].bytes));
    }
  }
  EXPECT_NE(pack->content_fingerprint(), source->content_fingerprint());
  PackOptions resized;
  resized.resize = [](const ImageView&, Image&) {};
  EXPECT_THAT(
      error_of(ErrorCode::unsupported, [&] { write_pack(*source, folder_ / "b.hpack", resized); }),
      HasSubstr("without resizing"));
}

TEST_F(Pack, IsCutIntoParts) {
  write();
  const auto whole = open_pack(path());
  PackOptions options;
  options.part_bytes = 3000;
  options.overwrite = true;
  const PackReport report = write(options);
  ASSERT_GT(report.parts, 2);
  const auto pack = open_pack(path());
  for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(pixels_of(*pack, i), pixels_of(*whole, i));
  const fs::path second = path().string() + ".001";
  EXPECT_LE(fs::file_size(second), options.part_bytes);
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { open_pack(second); }),
              HasSubstr("is part 1 of a pack: give the first file"));

  const std::string content = bytes_of(second);
  folder_.write("a.hpack.001", content.substr(1));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_pack(path()); }),
              HasSubstr("a.hpack.001: it has"));
  folder_.write("a.hpack.001", std::string(content.size(), 'x'));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { open_pack(path()); }),
              HasSubstr("a.hpack.001: it is no part 1 of"));
  fs::remove(second);
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_pack(path()); }), HasSubstr("a.hpack.001"));
}

TEST_F(Pack, OneThatHasFewerPartsLeavesNoneOfTheOldBehind) {
  PackOptions options;
  options.part_bytes = 1;
  EXPECT_EQ(write(options).parts, 6);
  options.part_bytes = 0;
  options.overwrite = true;
  write(options);
  EXPECT_FALSE(fs::exists(path().string() + ".001"));
  EXPECT_FALSE(fs::exists(path().string() + ".005"));
  EXPECT_EQ(verify_pack(*source(), path(), options), 6);
}

TEST_F(Pack, WhatIsThereIsKeptUnlessItIsToBeReplaced) {
  write();
  EXPECT_EQ(write().kept, 6);
  PackOptions others;
  others.raw = true;
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { write(others); }),
              HasSubstr("a pack of other data or by other options"));
  others.overwrite = true;
  EXPECT_EQ(write(others).kept, 0);
  folder_.write("a.hpack", "notes");
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { write(); }), HasSubstr("is no pack"));
}

TEST_F(Pack, GoesOnWhereItWasCutShortWhateverWasWritten) {
  PackOptions options;
  options.part_bytes = 4000;
  write(options);
  std::vector<std::string> whole;
  for (int part = 0; fs::exists(path().string() + (part == 0 ? "" : ".00" + std::to_string(part)));
       ++part) {
    whole.push_back(bytes_of(path().string() + (part == 0 ? "" : ".00" + std::to_string(part))));
  }
  ASSERT_GE(whole.size(), 2u);
  for (std::size_t cut = 0; cut <= whole[1].size(); cut += 97) {
    fs::remove(path());
    for (std::size_t part = 1; part < whole.size(); ++part) {
      fs::remove(path().string() + ".00" + std::to_string(part));
    }
    folder_.write("a.hpack.partial", whole[0].substr(0, cut % 2 == 0 ? whole[0].size() : cut));
    folder_.write("a.hpack.partial.001", whole[1].substr(0, cut));
    folder_.write("a.hpack.partial.002", "left over");
    write(options);
    for (std::size_t part = 0; part < whole.size(); ++part) {
      const std::string suffix = part == 0 ? "" : ".00" + std::to_string(part);
      ASSERT_EQ(bytes_of(path().string() + suffix), whole[part]) << "cut at " << cut;
    }
    ASSERT_FALSE(fs::exists(path().string() + ".partial.002"));
  }
}

TEST_F(Pack, StopsWhenToldAndSaysSo) {
  const std::atomic<bool> stop{true};
  PackOptions options;
  options.stop = &stop;
  error_of(ErrorCode::cancelled, [&] { write(options); });
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_EQ(write().records, 6);
}

TEST_F(Pack, ImagesThatCannotBeReadFailOrAreLeftOut) {
  fs::remove(folder_ / "images/2.jpg");
  EXPECT_THAT(error_of(ErrorCode::io, [this] { write(); }), HasSubstr("list.csv:4: images/2.jpg"));
  PackOptions options;
  options.on_error = ErrorPolicy::skip;
  options.error_budget.count = 1;
  const PackReport report = write(options);
  EXPECT_EQ(report.records, 5);
  ASSERT_EQ(report.errors.records.size(), 1u);
  EXPECT_EQ(report.errors.records[0].index, 2);
  const auto pack = open_pack(path());
  EXPECT_THAT(pack->key(2), HasSubstr("record 2: "));
  EXPECT_THAT(pack->key(2), HasSubstr("images/3.jpg"));
  EXPECT_NE(pack->fingerprint(), source()->fingerprint());
  EXPECT_EQ(verify_pack(*source(), path(), options), 5);
}

TEST_F(Pack, VerifyingFindsASourceThatHasChanged) {
  write();
  EXPECT_EQ(verify_pack(*source(), path()), 6);
  folder_.write("images/4.jpg", text_of(encode_as(photo(72, 62), {2, 2, false, 0, false, 70})));
  const std::string error =
      error_of(ErrorCode::corrupt_data, [this] { verify_pack(*source(), path()); });
  EXPECT_THAT(error, HasSubstr("a.hpack: record 4 at byte"));
  EXPECT_THAT(error, HasSubstr("it is not what its source would become"));
}

TEST_F(Pack, AFileThatChangesUnderItsReaderIsAnError) {
  write();
  const auto pack = open_pack(path());
  const std::string content = bytes_of(path());
  std::string changed = content;
  changed[content.size() / 2] = static_cast<char>(changed[content.size() / 2] + 1);
  folder_.write("a.hpack", changed);
  int damaged = 0;
  for (std::int64_t i = 0; i < 6; ++i) {
    try {
      read(*pack, i);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
      EXPECT_THAT(error.what(), HasSubstr("damaged at byte"));
      EXPECT_THAT(error.what(), HasSubstr("a.hpack: its bytes are not those that were packed"));
      ++damaged;
    }
  }
  EXPECT_EQ(damaged, 1);
  fs::resize_file(path(), 100);
  EXPECT_THAT(error_of(ErrorCode::io, [&] { read(*pack, 5); }),
              HasSubstr("the file became shorter"));
  EXPECT_EQ(pack->key(5), path().string() + ": record 5");
}

}  // namespace
}  // namespace headrace
