#include "headrace/formats/keras_file.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "errors.h"
#include "tests/support/fixtures.h"
#include "tests/support/temp_folder.h"

namespace headrace {
namespace {

using test::error_of;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string fixture(const std::string& name) {
  return fixtures_folder() + "/keras_weights/" + name;
}

class KerasFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HEADRACE_HAS_HDF5) GTEST_SKIP() << "built without HDF5 (install libhdf5-dev)";
  }
};

const KerasFile::Layer& layer_of(const KerasFile& file, const std::string& name) {
  for (const KerasFile::Layer& layer : file.layers) {
    if (layer.name == name) return layer;
  }
  throw Error(ErrorCode::invalid_argument, "no layer " + name);
}

TEST_F(KerasFiles, AllFilesOfAModelHaveTheSameWeights) {
  const KerasFile first = read_keras_file(fixture("sequence.keras"));
  EXPECT_EQ(first.layers.size(), 6u);
  for (const char* name : {"sequence.weights.h5", "sequence.h5", "sequence_weights.h5"}) {
    SCOPED_TRACE(name);
    const KerasFile other = read_keras_file(fixture(name));
    ASSERT_EQ(other.layers.size(), first.layers.size());
    for (const KerasFile::Layer& layer : first.layers) {
      const KerasFile::Layer& same = layer_of(other, layer.name);
      ASSERT_EQ(same.tensors.size(), layer.tensors.size());
      for (std::size_t i = 0; i < layer.tensors.size(); ++i) {
        EXPECT_EQ(same.tensors[i].shape, layer.tensors[i].shape);
        EXPECT_EQ(same.tensors[i].values, layer.tensors[i].values);
      }
    }
  }
}

TEST_F(KerasFiles, WeightsHaveKerasNamesOrderAndShapes) {
  const KerasFile file = read_keras_file(fixture("sequence.weights.h5"));
  const KerasFile::Layer& lstm = layer_of(file, "lstm");
  ASSERT_EQ(lstm.tensors.size(), 3u);
  EXPECT_THAT(lstm.tensors[0].shape, ElementsAre(12, 20));
  EXPECT_THAT(lstm.tensors[1].shape, ElementsAre(5, 20));
  EXPECT_THAT(lstm.tensors[2].shape, ElementsAre(20));
  EXPECT_EQ(lstm.tensors[0].values.size(), 240u);
  EXPECT_EQ(layer_of(file, "lstm_1").position, "lstm_1");
  EXPECT_THAT(layer_of(file, "conv2d").tensors[0].shape, ElementsAre(1, 2, 3, 3));
}

TEST_F(KerasFiles, AModelComesWithItsConfiguration) {
  for (const char* name : {"branches.keras", "branches.h5"}) {
    EXPECT_THAT(read_keras_model(fixture(name)), HasSubstr("\"class_name\": \"Functional\""));
  }
  EXPECT_EQ(read_keras_file(fixture("branches.h5")).model,
            read_keras_model(fixture("branches.h5")));
  EXPECT_THAT(read_keras_file(fixture("branches.weights.h5")).model, IsEmpty());
  EXPECT_THAT(
      error_of(ErrorCode::unsupported, [] { read_keras_model(fixture("branches.weights.h5")); }),
      HasSubstr("model.to_json()"));
}

// In a legacy file, layers come as the model has them; conv2d_1 was joined before conv2d's twin.
TEST_F(KerasFiles, LegacyFilesKeepTheOrderOfLayers) {
  const KerasFile file = read_keras_file(fixture("branches_weights.h5"));
  EXPECT_EQ(file.layers.back().name, "dense");
  EXPECT_THAT(file.layers, Each(Field(&KerasFile::Layer::position, IsEmpty())));
  EXPECT_THAT(read_keras_file(fixture("branches.keras")).layers,
              Each(Field(&KerasFile::Layer::position, Not(IsEmpty()))));
}

TEST_F(KerasFiles, OtherFilesAreRefusedByName) {
  const std::string arrays = fixtures_folder() + "/hdf5/layouts.h5";
  EXPECT_THAT(error_of(ErrorCode::unsupported, [&] { read_keras_file(arrays); }),
              HasSubstr("layouts.h5: holds no weights"));
  EXPECT_THAT(error_of(ErrorCode::corrupt_data, [] { read_keras_file(fixture("branches.json")); }),
              HasSubstr("branches.json"));
  EXPECT_THAT(error_of(ErrorCode::unsupported,
                       [] { read_keras_file(fixtures_folder() + "/numpy/compressed.npz"); }),
              HasSubstr("no model of Keras"));
}

TEST_F(KerasFiles, EveryCutIsAnErrorThatNamesTheFile) {
  for (const char* name : {"sequence.keras", "sequence.weights.h5"}) {
    std::ifstream file(fixture(name), std::ios::binary);
    const std::string whole(std::istreambuf_iterator<char>(file), {});
    const TempFolder folder;
    for (std::size_t size = 0; size < whole.size(); size += 997) {
      const auto path = folder.write("cut.h5", whole.substr(0, size)).string();
      EXPECT_THAT(error_of(ErrorCode::corrupt_data, [&] { read_keras_file(path); }),
                  HasSubstr("cut.h5"))
          << size;
    }
  }
}

}  // namespace
}  // namespace headrace
