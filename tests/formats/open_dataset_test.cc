#include "headrace/formats/open_dataset.h"

#include <gmock/gmock.h>

#include <string>

#include "errors.h"
#include "headrace/formats/cifar.h"
#include "tar_fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

class OpenDataset : public ::testing::Test {
 protected:
  OpenDataset() {
    for (const char* name : {"l.csv", "l.TSV", "l.txt", "list"})
      folder_.write(name, "a.jpg\tcat\n");
    folder_.write("tree/cat/a.jpg", "x");
    folder_.write("tree/dog/a.jpg", "x");
    folder_.write("flat/a.jpg", "x");
    folder_.write("shards/0.tar", test::tar_member("1.jpg", "x") + test::tar_end);
    const std::string images("\0\0\10\3\0\0\0\1\0\0\0\1\0\0\0\1z", 17);
    const std::string labels("\0\0\10\1\0\0\0\1\0", 9);
    folder_.write("t-images-idx3-ubyte", images);
    folder_.write("t-labels-idx1-ubyte", labels);
    folder_.write("pixels", images);
    folder_.write("answers", labels);
    const std::vector<std::uint8_t> pixels(3072);
    const std::vector<std::int32_t> zero = {0};
    std::filesystem::create_directory(folder_ / "cifar");
    for (const char* name : {"a.bin", "b", "cifar/data_batch_1.bin"}) {
      write_cifar10(folder_ / name, pixels, zero);
    }
  }

  std::shared_ptr<const Dataset> open(const std::string& name, const std::string& prefix = "") {
    return open_dataset(prefix + (folder_ / name).string());
  }

  TempFolder folder_;
};

TEST_F(OpenDataset, RecognisesPaths) {
  for (const char* name : {"l.csv", "l.TSV", "l.txt"}) {
    EXPECT_THAT(open(name)->key(0), HasSubstr(":1: a.jpg")) << name;
  }
  EXPECT_EQ(open("tree")->size(), 2);
  EXPECT_EQ(open("tree/")->size(), 2);
  for (const char* name : {"shards", "shards/0.tar", "shards/{0..0}.tar#jpg", "shards/?.tar"}) {
    EXPECT_THAT(open(name)->key(0), HasSubstr("0.tar: 1.jpg")) << name;
  }
  EXPECT_EQ(open("flat")->label(0), -1);
  EXPECT_EQ(open("t-images-idx3-ubyte")->info().fields.at(0).shape,
            (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(open("a.bin")->info().fields.at(0).shape, (std::vector<std::int64_t>{32, 32, 3}));
  EXPECT_EQ(open("cifar")->info().fields.at(0).shape, (std::vector<std::int64_t>{32, 32, 3}));
}

TEST_F(OpenDataset, PrefixesSayWhatAPathCannot) {
  EXPECT_EQ(open("list", "list:")->label(0), 0);
  EXPECT_EQ(open("flat", "directory:")->size(), 1);
  EXPECT_EQ(open("b", "cifar:")->size(), 1);
  EXPECT_EQ(open("b," + (folder_ / "a.bin").string(), "cifar:")->size(), 2);
  EXPECT_EQ(open("pixels," + (folder_ / "answers").string(), "idx:")->size(), 1);
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { open("pixels,b,c", "idx:"); }),
              HasSubstr("one file of images and one of labels"));
}

TEST_F(OpenDataset, CompressedShardsAreRefusedAsSuch) {
  folder_.write("a.tar.gz", "\x1F\x8B" + std::string(600, 'x'));
  EXPECT_THAT(error_of(ErrorCode::unsupported, [&] { open("a.tar.gz"); }),
              HasSubstr("compressed by gzip"));
}

TEST_F(OpenDataset, TakesASplitOfAList) {
  folder_.write("all.csv", "path,label,split\na.jpg,x,train\nb.jpg,y,val\n");
  EXPECT_THAT(open("all.csv#val")->key(0), HasSubstr("all.csv:3: b.jpg"));
  EXPECT_EQ(open("all.csv")->size(), 2);
  DataOptions options;
  options.split = "train";
  EXPECT_EQ(open_dataset((folder_ / "all.csv").string(), options)->size(), 1);
  EXPECT_THAT(error_of(ErrorCode::invalid_argument,
                       [&] { open_dataset((folder_ / "tree").string(), options); }),
              HasSubstr("only lists have splits"));
}

TEST_F(OpenDataset, PassesOptionsOn) {
  DataOptions options;
  options.classes = {"dog", "cat"};
  EXPECT_EQ(open_dataset((folder_ / "l.csv").string(), options)->label(0), 1);
}

TEST_F(OpenDataset, ListsWhatIsRecognised) {
  const auto all = AllOf(HasSubstr(".csv"), HasSubstr("idx:IMAGES,LABELS"), HasSubstr("cifar:"),
                         HasSubstr("directory:"));
  EXPECT_THAT(error_of(ErrorCode::invalid_argument, [&] { open("list"); }),
              AllOf(HasSubstr("list: of no known kind"), all));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open("none.csv"); }),
              AllOf(HasSubstr("cannot open " + (folder_ / "none.csv").string()), all));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_dataset("lmdb:x"); }),
              AllOf(HasSubstr("cannot open lmdb:x"), all));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { open_dataset(""); }), HasSubstr("cannot open"));
}

}  // namespace
}  // namespace headrace
