// What trainers of several processes learn, and exchange: see trainer_processes.h.

#include "trainer_processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace headrace {
namespace {

using fake::Layout;
using fake::on_every_process;
using fake::Outcome;
using fake::Process;
using fake::relative_difference;
using fake::Setting;
using fake::train;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TrainerOverProcesses, TheWeightsDependOnTheNumberOfRanksByRoundingAndOnProcessesNotAtAll) {
  const Outcome one = train({.layout = {1, 1}}, 20);  // 100 steps, with short last batches
  const std::vector<std::vector<Layout>> equal{
      {{1, 2}, {2, 1}}, {{1, 4}, {2, 2}, {4, 1}}, {{1, 6}, {3, 2}, {2, 3}}};
  for (const auto& layouts : equal) {
    const Outcome threads = train({.layout = layouts[0]}, 20);
    EXPECT_LE(relative_difference(one.weights, threads.weights), 1e-5);
    EXPECT_NEAR(one.history.back().loss, threads.history.back().loss, 1e-5);
    EXPECT_EQ(one.history.back().val_accuracy, threads.history.back().val_accuracy);
    for (const Layout& layout : layouts) {
      const Outcome other = train({.layout = layout}, 20);
      EXPECT_EQ(other.weights, threads.weights)
          << layout.processes << " processes of " << layout.replicas;
      EXPECT_EQ(other.history.back().loss, threads.history.back().loss);
    }
  }
}

TEST(TrainerOverProcesses, ShardsOfAllKindsTrainOnTheSameSamples) {
  const Outcome one = train({.layout = {1, 1}, .samples = 50}, 3);
  const Outcome padded = train({.layout = {4, 1}, .samples = 50, .mode = ShardMode::pad}, 3);
  EXPECT_LE(relative_difference(one.weights, padded.weights), 1e-6);
  // Of the 50 the last 2 divide by 2, but not by 4.
  const Outcome dropped = train({.layout = {2, 2}, .samples = 50, .mode = ShardMode::drop}, 3);
  EXPECT_LE(relative_difference(one.weights, dropped.weights), 1e-6);
  const Outcome fewer = train({.layout = {4, 1}, .samples = 50, .mode = ShardMode::drop}, 3);
  EXPECT_GT(relative_difference(one.weights, fewer.weights), 1e-3);
}

TEST(TrainerOverProcesses, ProcessesWithoutSamplesTakePart) {
  const Outcome one = train({.layout = {1, 1}, .samples = 13, .batch_size = 3}, 5);
  const Outcome eight = train({.layout = {5, 1}, .samples = 13, .batch_size = 3}, 5);
  EXPECT_LE(relative_difference(one.weights, eight.weights), 1e-6);
}

// Shares of 4 and of 2 samples, cut into parts of which some have none.
TEST(TrainerOverProcesses, PartsThatAreAddedUpGiveTheWeightsOfTheWholeBatch) {
  const Outcome one = train({.layout = {1, 1}}, 20);
  for (const Layout& layout : std::vector<Layout>{{1, 1, 5}, {3, 1, 2}, {2, 2, 3}, {3, 2, 4}}) {
    const Outcome parts = train({.layout = layout}, 20);
    EXPECT_LE(relative_difference(one.weights, parts.weights), 1e-5);
    EXPECT_NEAR(one.history.back().loss, parts.history.back().loss, 1e-5);
    EXPECT_EQ(one.history.back().val_accuracy, parts.history.back().val_accuracy);
  }
}

TEST(TrainerOverProcesses, PartsTakeStatisticsTogetherOverAllRanks) {
  std::atomic<int> calls{0};
  Setting setting{.layout = {3, 1, 4}, .synchronized = true};
  setting.rows_seen = [&](double sum, std::int64_t) {
    EXPECT_LE(sum, 3);  // a twelfth of each batch on each rank
    ++calls;
  };
  train(setting, 1);
  EXPECT_EQ(calls, 5 * 3 * 4);
}

TEST(TrainerOverProcesses, OneWhoseWeightsHaveGoneAstrayIsNamedAfterTheEpoch) {
  for (const int astray : {0, 2}) {
    const auto errors = on_every_process({.layout = {3, 2}}, [&](Process& process) {
      if (process.group.process() == astray) process.backend.settings.wrong_updates_of = 1;
      process.trainer.fit(process.data, {.epochs = 2});
    });
    const std::string rank = "rank " + std::to_string(2 * astray + 1);
    EXPECT_THAT(errors, Each(AllOf(HasSubstr("after epoch 1 the weights of " + rank + " are not"),
                                   Not(HasSubstr("and rank")))));
  }
}

TEST(TrainerOverProcesses, WeightsThatDifferAtFirstAreThoseOfTheFirstProcess) {
  std::vector<float> expected;
  for (const bool differ : {false, true}) {
    const auto errors = on_every_process({.layout = {2, 2}}, [&](Process& process) {
      if (differ && process.group.process() == 1) {
        auto parameters = process.trainer.parameters();
        for (float& value : parameters[0].values) value += 1;
        process.trainer.set_parameters(parameters);
      }
      process.trainer.fit(process.data, {.epochs = 1});
      if (differ) {
        EXPECT_EQ(process.weights(), expected);
      } else if (process.group.process() == 0) {
        expected = process.weights();
      }
    });
    EXPECT_THAT(errors, Each(""));
  }
}

// Notes the first bucket of gradients of each step.
class WatchedCommunicator final : public Communicator {
 public:
  static constexpr std::size_t bucket = 4;  // values
  explicit WatchedCommunicator(std::unique_ptr<Communicator> inner) : inner_(std::move(inner)) {}

  int rank() const override { return inner_->rank(); }
  int world_size() const override { return inner_->world_size(); }
  Ticket start(Collective operation, std::span<float> buffer) override {
    const Ticket ticket = inner_->start(operation, buffer);
    if (operation == Collective::all_reduce_sum && buffer.size() == bucket && !first_) {
      first_ = ticket;
    }
    return ticket;
  }
  void wait(Ticket ticket, milliseconds deadline) override { inner_->wait(ticket, deadline); }
  bool works_alone() const override { return inner_->works_alone(); }
  Clock::time_point done_at(Ticket ticket) const override { return inner_->done_at(ticket); }
  void abort(const char* reason) noexcept override { inner_->abort(reason); }

  // Whether it has been started. Returns when it is added up.
  bool wait_for_first_bucket() {
    if (!first_) return false;
    inner_->wait(*std::exchange(first_, {}), milliseconds(30'000));
    return true;
  }

 private:
  std::unique_ptr<Communicator> inner_;
  std::optional<Ticket> first_;
};

// No rank ends its backward pass before the first gradients are added up over all of them.
TEST(TrainerOverProcesses, GradientsAreAddedUpWhileBackwardGoesOn) {
  std::array<WatchedCommunicator*, 3> watched{};
  std::atomic<int> added_up{0};
  Setting setting{.layout = {3, 1}};
  setting.wrap = [&](Setting::Ranks& ranks) {
    auto communicator = std::make_unique<WatchedCommunicator>(std::move(ranks[0]));
    watched.at(static_cast<std::size_t>(communicator->rank())) = communicator.get();
    ranks[0] = std::move(communicator);
  };
  setting.hook = [&](int process) {
    return [&, process](const std::string& call, int) {
      if (call != "half_backward") return;
      if (watched.at(static_cast<std::size_t>(process))->wait_for_first_bucket()) ++added_up;
    };
  };
  const auto errors = on_every_process(setting, [&](Process& process) {
    process.trainer.fit(process.data, {});
    const ExchangeTimes times = process.trainer.exchange_times();
    EXPECT_GT(times.seconds, times.after_backward);
    EXPECT_GT(times.hidden(), 0);
  });
  EXPECT_THAT(errors, Each(""));
  EXPECT_EQ(added_up, 3 * 5);
}

}  // namespace
}  // namespace headrace
