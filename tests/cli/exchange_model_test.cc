#include "headrace/cli/exchange_model.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(ExchangeModel, SendsEachRanksPartThereAndTheSumsBack) {
  const ExchangeModel model{.ranks = 4, .rate = 1e9, .latency = 1e-4};
  EXPECT_DOUBLE_EQ(model.seconds(1'000'000), 1.5e-3 + 2e-4);
}

TEST(ExchangeModel, IsFoundAgainFromItsOwnTimes) {
  const ExchangeModel model{.ranks = 3, .rate = 2.5e9, .latency = 3e-5};
  std::vector<ExchangeSample> samples;
  for (std::size_t bytes = 1024; bytes < 100'000'000; bytes *= 4) {
    samples.push_back({bytes, model.seconds(bytes)});
  }
  const ExchangeModel found = fit_exchange(samples, 3);
  EXPECT_NEAR(found.rate, model.rate, 1e-6 * model.rate);
  EXPECT_NEAR(found.latency, model.latency, 1e-6 * model.latency);
}

TEST(ExchangeModel, HasNoLatencyBelowNothing) {
  const ExchangeModel found = fit_exchange({{1000, 1e-6}, {2000, 4e-6}}, 2);
  EXPECT_EQ(found.latency, 0);
}

TEST(ExchangeModel, HasTheRateThatIsThereAtLeastWhereMoreBytesTookNoLonger) {
  const ExchangeModel found = fit_exchange({{1000, 4e-6}, {2000, 1e-6}}, 2);
  EXPECT_DOUBLE_EQ(found.rate, 2e9);
  EXPECT_EQ(found.latency, 0);
}

}  // namespace
}  // namespace headrace::cli
