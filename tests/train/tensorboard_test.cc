#include "headrace/train/tensorboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "../support/error_matcher.h"
#include "../support/temp_folder.h"
#include "fake_backend.h"
#include "headrace/train/event_file.h"
#include "headrace/train/trainer.h"
#include "keras_fixture.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

TEST(EventFile, SumsAreThoseOfTheStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(EventFile, BytesAreThoseThatTensorFlowWrites) {
  const auto fixture = keras_fixture().at("tensorboard");
  const std::array events{version_event(1700000000.25),
                          scalar_event(1700000001.5, 300, "epoch_loss", 0.125),
                          start_event(1700000002.0, 7)};
  std::string file;
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(hex(events[i]), fixture.at("events")[i].get<std::string>());
    file += record_of(events[i]);
  }
  EXPECT_EQ(hex(file), fixture.at("file").get<std::string>());
}

class TensorBoard : public ::testing::Test {
 protected:
  void fit(std::uint64_t epochs, bool validate) {
    TensorBoardLogger logger({.folder = folder_ / "logs", .every_steps = 2});
    trainer_.fit(data_, {.epochs = epochs,
                         .validation = validate ? &validation_ : nullptr,
                         .callbacks = {&logger}});
  }
  // The files of a part, one after another in the order of their names.
  std::string bytes(const std::string& part) const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "logs" / part)) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::string all;
    for (const auto& path : paths) all += bytes_of(path);
    return all;
  }
  bool has(const std::string& part) const {
    return std::filesystem::exists(folder_ / "logs" / part);
  }

  TempFolder folder_;
  fake::LinearBackend backend_;
  Trainer trainer_{fake::linear_graph(),
                   {.batch_size = 16, .threads = 1, .optimizer = Sgd{.learning_rate = 0.1}},
                   backend_};
  Loader data_{std::make_shared<fake::ToySequence>(64), {.batch_size = 16, .threads = 1}};
  Loader validation_{std::make_shared<fake::ToySequence>(32, 9, false),
                     {.batch_size = 16, .threads = 1}};
};

// An event without its clock.
std::string timeless(std::int64_t step, const std::string& tag, double value) {
  return scalar_event(0, step, tag, value).substr(9);
}

TEST_F(TensorBoard, CurvesCarryKerasFoldersAndTags) {
  fit(2, true);
  for (const EpochRecord& epoch : trainer_.history()) {
    const auto number = static_cast<std::int64_t>(epoch.epoch);
    const std::string train = bytes("train"), validation = bytes("validation");
    EXPECT_THAT(train, HasSubstr(timeless(number, "epoch_loss", epoch.loss)));
    EXPECT_THAT(train, HasSubstr(timeless(number, "epoch_accuracy", epoch.accuracy)));
    EXPECT_THAT(train, HasSubstr(timeless(number, "epoch_learning_rate", 0.1)));
    EXPECT_THAT(validation, HasSubstr(timeless(number, "epoch_loss", *epoch.val_loss)));
  }
  EXPECT_THAT(bytes("steps"), HasSubstr(timeless(7, "learning_rate", 0.1)));
  EXPECT_THAT(bytes("steps"), Not(HasSubstr(timeless(6, "learning_rate", 0.1))));
}

TEST_F(TensorBoard, ATrainingThatGoesOnSaysFromWhere) {
  fit(1, false);
  EXPECT_FALSE(has("validation"));
  EXPECT_THAT(bytes("train"), Not(HasSubstr(start_event(0, 1).substr(9))));
  fit(2, false);
  EXPECT_THAT(bytes("train"), HasSubstr(start_event(0, 1).substr(9)));
  EXPECT_THAT(bytes("steps"), HasSubstr(start_event(0, 4).substr(9)));
}

TEST_F(TensorBoard, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(folder_ / "logs") << "a file";
  EXPECT_THAT([&] { fit(1, false); }, throws_error(ErrorCode::io, HasSubstr("logs/steps")));
}

}  // namespace
}  // namespace headrace
