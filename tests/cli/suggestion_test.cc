#include "headrace/cli/suggestion.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

const std::vector<std::string> names = {"--batch-size", "--epochs", "--seed", "--out"};

TEST(Suggestion, FindsWhatATypoStandsFor) {
  EXPECT_EQ(nearest_name("--epoch", names), "--epochs");
  EXPECT_EQ(nearest_name("--epcohs", names), "--epochs");
  EXPECT_EQ(nearest_name("--bach-size", names), "--batch-size");
}

TEST(Suggestion, FindsWhatWasOnlyBegun) {
  EXPECT_EQ(nearest_name("--batch", names), "--batch-size");
}

TEST(Suggestion, OffersNothingThatIsFarAway) {
  EXPECT_EQ(nearest_name("--colour-jitter", names), "");
  EXPECT_EQ(did_you_mean("--colour-jitter", names), "");
}

TEST(Suggestion, AsksInWords) {
  EXPECT_EQ(did_you_mean("--sede", names), "; did you mean --seed?");
}

}  // namespace
}  // namespace headrace::cli
