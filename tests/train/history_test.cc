#include "headrace/train/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

const std::string header =
    "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,images_per_second\n";

std::string error_of(const std::string& csv) {
  try {
    history_from_csv(csv);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corrupt_data);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(History, WritesEpochsFromOneAndLeavesCellsEmptyThatDoNotExist) {
  const EpochRecord with{0, 0.5, 0.75, 0.25, 0.875, 0.001, 7.5, 8000};
  const EpochRecord without{1, 0.4, 0.8, {}, {}, 0.001, 8, 7500};
  EXPECT_EQ(to_csv({with, without}), header +
                                         "1,0.5,0.75,0.25,0.875,0.001,7.5,8000\n"
                                         "2,0.4,0.8,,,0.001,8,7500\n");
  EXPECT_EQ(to_csv({}), header);
}

TEST(History, NumbersReadBackToTheSameDoubles) {
  const double tiny = std::numeric_limits<double>::denorm_min();
  const double large = std::numeric_limits<double>::max();
  const EpochRecord record{std::numeric_limits<std::uint64_t>::max() - 1,
                           0.1 + 0.2,
                           1.0 / 3.0,
                           tiny,
                           std::numeric_limits<double>::infinity(),
                           -large,
                           std::nextafter(1.0, 2.0),
                           1e300 / 7};
  const History back = history_from_csv(to_csv({record}));
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].epoch, record.epoch);
  EXPECT_EQ(back[0].loss, record.loss);
  EXPECT_EQ(back[0].accuracy, record.accuracy);
  EXPECT_EQ(back[0].val_loss, record.val_loss);
  EXPECT_EQ(back[0].val_accuracy, record.val_accuracy);
  EXPECT_EQ(back[0].learning_rate, record.learning_rate);
  EXPECT_EQ(back[0].seconds, record.seconds);
  EXPECT_EQ(back[0].images_per_second, record.images_per_second);
}

TEST(History, ReadsWhatASpreadsheetSaved) {
  const History history = history_from_csv(
      "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,images_per_second\r\n"
      "1,0.5,0.75,,,0.001,7.5,8000\r\n\r\n");
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].epoch, 0u);
  EXPECT_EQ(history[0].val_loss, std::nullopt);
  EXPECT_EQ(history[0].images_per_second, 8000);
}

TEST(History, HasColumnsForTheTopOfTheClassesWhereItIsCounted) {
  History history(2);
  history[1].top_k_accuracy = 0.75;
  const std::string csv = to_csv(history);
  EXPECT_THAT(csv, HasSubstr("images_per_second,top_k_accuracy,val_top_k_accuracy\n"));
  EXPECT_THAT(csv, HasSubstr(",0.75,\n"));
  const History back = history_from_csv(csv);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_FALSE(back[0].top_k_accuracy);
  EXPECT_EQ(back[1].top_k_accuracy, 0.75);
  EXPECT_FALSE(back[1].val_top_k_accuracy);
}

TEST(History, NamesTheLineThatIsWrong) {
  EXPECT_THAT(error_of(""), HasSubstr("line 1: it should read 'epoch,loss,"));
  EXPECT_THAT(error_of("epoch,loss\n"), HasSubstr("line 1"));
  EXPECT_THAT(error_of(header + "1,0.5,0.75,,,0.001,7.5\n"), HasSubstr("line 2: 7 cells"));
  EXPECT_THAT(error_of(header + "1,0.5,0.75,,,0.001,7.5,8,9\n"), HasSubstr("line 2: 9 cells"));
  EXPECT_THAT(error_of(header + "1,1,1,,,1,1,1\n2,x,1,,,1,1,1\n"),
              HasSubstr("line 3: 'x' is no number"));
  EXPECT_THAT(error_of(header + "1,,1,,,1,1,1\n"), HasSubstr("line 2: '' is no number"));
  EXPECT_THAT(error_of(header + "0,1,1,,,1,1,1\n"), HasSubstr("line 2: epoch 0"));
}

}  // namespace
}  // namespace headrace
