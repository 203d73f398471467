#include "headrace/train/communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr milliseconds ample{60'000};
constexpr milliseconds brief{50};

// Runs `body` for every rank, each on its own thread; what each threw, or "".
std::vector<std::string> on_every_rank(int world_size,
                                       const std::function<void(Communicator&)>& body) {
  auto ranks = make_local_communicators(world_size);
  std::vector<std::string> errors(ranks.size());
  std::vector<std::thread> threads;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    threads.emplace_back([&, r] {
      try {
        body(*ranks[r]);
      } catch (const Error& error) {
        errors[r] = std::string(to_string(error.code())) + ": " + error.what();
        ranks[r]->abort(error.what());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

void run(Communicator& rank, Collective operation, std::vector<float>& values) {
  rank.wait(rank.start(operation, values), ample);
}

float value_of(int rank, std::size_t i) {
  return 1.0f / static_cast<float>(1 + rank) + 0.001f * static_cast<float>(i % 1000);
}

TEST(LocalCommunicator, SumsInTheOrderOfRanksAtEverySize) {
  for (const int world : {1, 2, 3, 5}) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{33}, std::size_t{10'007}}) {
      std::vector<float> expected(size);
      for (std::size_t i = 0; i < size; ++i) {
        expected[i] = value_of(0, i);
        for (int rank = 1; rank < world; ++rank) expected[i] += value_of(rank, i);
      }
      const auto errors = on_every_rank(world, [&](Communicator& rank) {
        std::vector<float> values(size);
        for (std::size_t i = 0; i < size; ++i) values[i] = value_of(rank.rank(), i);
        run(rank, Collective::all_reduce_sum, values);
        EXPECT_EQ(values, expected) << "world size " << world << ", rank " << rank.rank();
      });
      EXPECT_THAT(errors, Each(""));
    }
  }
}

TEST(LocalCommunicator, BroadcastGivesEveryRankTheValuesOfRankZero) {
  const auto errors = on_every_rank(3, [](Communicator& rank) {
    std::vector<float> values(100, static_cast<float>(rank.rank() + 7));
    run(rank, Collective::broadcast, values);
    EXPECT_THAT(values, Each(7.0f));
  });
  EXPECT_THAT(errors, Each(""));
}

TEST(LocalCommunicator, GatherGivesEveryRankTheBitsOfAll) {
  const auto errors = on_every_rank(3, [](Communicator& rank) {
    std::vector<float> values(6);
    const auto own = static_cast<std::size_t>(2 * rank.rank());
    values[own] = values[own + 1] = static_cast<float>(rank.rank() + 1);
    run(rank, Collective::all_gather, values);
    EXPECT_EQ(values, (std::vector<float>{1, 1, 2, 2, 3, 3}));
    std::vector<float> uneven(7);
    EXPECT_THROW(rank.start(Collective::all_gather, uneven), Error);
  });
  EXPECT_THAT(errors, Each(""));
}

TEST(LocalCommunicator, ManyOperationsMayBeUnderWayAndAwaitedInAnyOrder) {
  const auto errors = on_every_rank(3, [](Communicator& rank) {
    std::vector<std::vector<float>> buffers;
    std::vector<Communicator::Ticket> tickets;
    for (int i = 0; i < 8; ++i) {
      buffers.emplace_back(static_cast<std::size_t>(100 + i), static_cast<float>(i));
    }
    for (auto& buffer : buffers) {
      tickets.push_back(rank.start(Collective::all_reduce_sum, buffer));
    }
    const std::vector<std::vector<std::size_t>> orders{
        {0, 1, 2, 3, 4, 5, 6, 7}, {7, 6, 5, 4, 3, 2, 1, 0}, {3, 3, 7, 0, 1, 2, 4, 5, 6}};
    for (const std::size_t i : orders[static_cast<std::size_t>(rank.rank())]) {
      rank.wait(tickets[i], ample);
      EXPECT_THAT(buffers[i], Each(3.0f * static_cast<float>(i)));
    }
  });
  EXPECT_THAT(errors, Each(""));
}

TEST(LocalCommunicator, ThousandsOfOperationsStayInStep) {
  const auto errors = on_every_rank(4, [](Communicator& rank) {
    std::vector<float> values(17);
    for (int step = 0; step < 2'000; ++step) {
      for (float& value : values) value = static_cast<float>(step + rank.rank());
      run(rank, Collective::all_reduce_sum, values);
      ASSERT_THAT(values, Each(static_cast<float>(4 * step + 6)));
    }
  });
  EXPECT_THAT(errors, Each(""));
}

TEST(LocalCommunicator, AMissingRankIsNamedToEveryOtherWhenTheDeadlinePasses) {
  const auto errors = on_every_rank(3, [](Communicator& rank) {
    if (rank.rank() == 1) return;  // its communicator lives on: it is only late
    std::vector<float> values(10);
    rank.wait(rank.start(Collective::all_reduce_sum, values), brief);
  });
  EXPECT_THAT(errors[0], AllOf(HasSubstr("backend: "), HasSubstr("rank 1 is missing")));
  EXPECT_EQ(errors[1], "");
  EXPECT_THAT(errors[2], AllOf(HasSubstr("backend: "), HasSubstr("rank 1 is missing")));
}

TEST(LocalCommunicator, ARankThatStartsAndNeverWaitsIsMissingToo) {
  auto ranks = make_local_communicators(2);
  std::vector<float> first(10), second(10);
  ranks[1]->start(Collective::all_reduce_sum, second);
  const auto ticket = ranks[0]->start(Collective::all_reduce_sum, first);
  try {
    ranks[0]->wait(ticket, brief);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 1 is missing"));
  }
}

TEST(LocalCommunicator, AnAbortWakesEveryWaitAndSaysWhoAndWhy) {
  const auto errors = on_every_rank(4, [](Communicator& rank) {
    if (rank.rank() == 2) return rank.abort("out of memory");
    std::vector<float> values(10);
    run(rank, Collective::all_reduce_sum, values);
  });
  for (const int rank : {0, 1, 3}) {
    EXPECT_EQ(errors[static_cast<std::size_t>(rank)], "backend: rank 2 failed: out of memory");
  }
}

TEST(LocalCommunicator, AfterAnAbortTheGroupIsUnusable) {
  auto ranks = make_local_communicators(2);
  ranks[1]->abort("first");
  ranks[0]->abort("second");
  std::vector<float> values(10);
  for (const auto& rank : ranks) {
    try {
      rank->start(Collective::all_reduce_sum, values);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "rank 1 failed: first");
    }
  }
}

TEST(LocalCommunicator, ARankThatLeavesIsNamed) {
  auto ranks = make_local_communicators(2);
  ranks[1].reset();
  std::vector<float> values(10);
  try {
    run(*ranks[0], Collective::all_reduce_sum, values);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "rank 1 has left");
  }
}

TEST(LocalCommunicator, LeavingAfterTheLastOperationHarmsNoOne) {
  for (int round = 0; round < 200; ++round) {
    auto ranks = make_local_communicators(2);
    std::thread other([rank = std::move(ranks[1])] {
      std::vector<float> values{1, 2};
      run(*rank, Collective::all_reduce_sum, values);
    });
    std::vector<float> values{3, 4};
    run(*ranks[0], Collective::all_reduce_sum, values);
    other.join();
    EXPECT_EQ(values, (std::vector<float>{4, 6}));
  }
}

TEST(LocalCommunicator, BuffersOfUnequalSizeOrOtherOperationsAreAnErrorOnEveryRank) {
  auto errors = on_every_rank(2, [](Communicator& rank) {
    std::vector<float> values(rank.rank() == 0 ? 10 : 12);
    run(rank, Collective::all_reduce_sum, values);
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("10 values"), HasSubstr("12 values"))));
  errors = on_every_rank(2, [](Communicator& rank) {
    std::vector<float> values(10);
    run(rank, rank.rank() == 0 ? Collective::broadcast : Collective::all_reduce_sum, values);
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("broadcast"), HasSubstr("all_reduce_sum"))));
}

TEST(LocalCommunicator, NoBufferIsTouchedAfterItsOwnersWaitHasFailed) {
  // Under the sanitizers a late write to a buffer that its owner freed is an error.
  for (int round = 0; round < 50; ++round) {
    on_every_rank(3, [&](Communicator& rank) {
      std::vector<float> values(100'000);
      const auto ticket = rank.start(Collective::all_reduce_sum, values);
      if (rank.rank() == round % 3) return rank.abort("in the middle");
      rank.wait(ticket, ample);
    });
  }
}

TEST(LocalCommunicator, NonsenseIsRefused) {
  EXPECT_THROW(make_local_communicators(0), Error);
  auto ranks = make_local_communicators(1);
  EXPECT_THROW(ranks[0]->wait(0, ample), Error);
}

}  // namespace
}  // namespace headrace
