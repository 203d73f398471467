#include "headrace/formats/hdf5_export.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>

#include "errors.h"
#include "headrace/formats/array_file.h"
#include "headrace/formats/hdf5.h"
#include "headrace/formats/open_dataset.h"
#include "tests/support/fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Hdf5Export : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HEADRACE_HAS_HDF5) GTEST_SKIP() << "built without HDF5 (install libhdf5-dev)";
  }
  static std::shared_ptr<const Dataset> source(const std::string& choice) {
    return open_hdf5(fixtures_folder() + "/hdf5/layouts.h5#" + choice);
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  std::shared_ptr<const Dataset> exported(const Dataset& dataset,
                                          const std::string& choice = "") const {
    const Hdf5ExportResult result = export_hdf5(dataset, path("out.h5"), {.overwrite = true});
    EXPECT_EQ(result.images, dataset.size());
    return open_hdf5(path("out.h5") + choice);
  }

  TempFolder folder_;
};

void expect_same_pixels(const Dataset& a, const Dataset& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::int64_t i = 0; i < a.size(); ++i) {
    Record x, y;
    a.read(i, x);
    b.read(i, y);
    const ImageView& p = x.values.at(0).pixels;
    const ImageView& q = y.values.at(0).pixels;
    ASSERT_EQ(p.shape, q.shape);
    ASSERT_EQ(p.type, q.type);
    for (int row = 0; row < p.shape.height; ++row) {
      ASSERT_TRUE(std::equal(p.row<std::byte>(row), p.row<std::byte>(row) + p.row_bytes,
                             q.row<std::byte>(row)));
    }
    EXPECT_EQ(a.label(i), b.label(i));
  }
}

TEST_F(Hdf5Export, PixelsAndNamesOfClassesComeBackAsTheyWere) {
  const auto images = source("compressed,labels/texts");
  const auto again = exported(*images);
  expect_same_pixels(*images, *again);
  EXPECT_EQ(again->info().classes, images->info().classes);
  // Without the library's lock.
  EXPECT_NE(dynamic_cast<const ArrayFile*>(again.get()), nullptr);
}

TEST_F(Hdf5Export, FloatsNumbersAndTargetsComeBackAsTheyWere) {
  const auto floats = source("floats,labels/numbers");
  expect_same_pixels(*floats, *exported(*floats));
  const auto targets = source("chunked,labels/one_hot");
  const auto again = exported(*targets);
  EXPECT_THAT(again->info().fields.at(1).shape, ElementsAre(4));
  expect_same_pixels(*targets, *again);
  const auto unlabelled = source("parts");
  EXPECT_EQ(exported(*unlabelled, "#images")->info().fields.size(), 1u);
}

TEST_F(Hdf5Export, FilesOfImagesStayAsTheyAre) {
  const auto files = open_hdf5(fixtures_folder() + "/hdf5/encoded.h5");
  const auto again = exported(*files);
  ASSERT_EQ(again->size(), 2);
  for (const std::int64_t i : {0, 1}) {
    Record x, y;
    files->read(i, x);
    again->read(i, y);
    const auto before = x.values.at(0).bytes, after = y.values.at(0).bytes;
    EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin(), after.end()));
    EXPECT_EQ(again->label(i), files->label(i));
  }
}

TEST_F(Hdf5Export, TheSameDataGiveTheSameFile) {
  const auto images = source("chunked,labels/texts");
  export_hdf5(*images, path("a.h5"));
  export_hdf5(*images, path("b.h5"));
  EXPECT_TRUE(content_of(path("a.h5")) == content_of(path("b.h5")));
}

TEST_F(Hdf5Export, AFileThatIsThereIsReplacedOnlyIfAskedFor) {
  const auto images = source("chunked,labels/texts");
  folder_.write("out.h5", "mine");
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { export_hdf5(*images, path("out.h5")); }),
              HasSubstr("out.h5: is there already"));
  EXPECT_EQ(content_of(path("out.h5")), "mine");
  exported(*images);
}

// The first record has a label, the second has none.
class OneLabel final : public Dataset {
 public:
  OneLabel() {
    info_.name = "pair";
    info_.fields = {{"image", FieldKind::pixels, ElementType::u8, {1, 2, 1}},
                    {"label", FieldKind::class_label, ElementType::i32, {}}};
    info_.classes = {"x", "y"};
  }
  std::int64_t size() const override { return 2; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override {
    into.values.resize(2);
    into.values[0].buffer.assign(2, std::byte{7});
    into.values[0].pixels = {into.values[0].buffer.data(), {1, 2, 1}, 2, ElementType::u8};
    into.values[1].set_scalar(static_cast<std::int32_t>(label(index)));
  }
  std::int64_t label(std::int64_t index) const override { return index == 0 ? 0 : -1; }
  std::string key(std::int64_t index) const override { return "record " + std::to_string(index); }
  std::uint64_t fingerprint() const override { return 1; }

 private:
  DatasetInfo info_;
};

TEST_F(Hdf5Export, AnImageWithoutALabelIsNamedOrLeftOut) {
  const OneLabel pair;
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { export_hdf5(pair, path("out.h5")); }),
              HasSubstr("record 1: has no label"));
  const Hdf5ExportResult result = export_hdf5(
      pair, path("out.h5"), {.on_error = ErrorPolicy::skip, .error_budget = {.count = 1}});
  EXPECT_EQ(result.images, 1);
  EXPECT_EQ(open_hdf5(path("out.h5"))->label(0), 0);
}

TEST_F(Hdf5Export, WhatIsCutShortLeavesNothing) {
  const auto images = source("chunked,labels/texts");
  const std::atomic<bool> stop{true};
  EXPECT_THROW(export_hdf5(*images, path("out.h5"), {.stop = &stop}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { export_hdf5(*images, path("no/where.h5")); }),
              HasSubstr("no/where.h5"));
}

}  // namespace
}  // namespace headrace
