// Groups of processes, with threads in place of processes and memory in place of MPI.

#include "headrace/train/process_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"
#include "mailbox_link.h"

namespace headrace {
namespace {

using fake::Network;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr milliseconds ample{30'000};
constexpr milliseconds brief{50};

struct Layout {
  int processes = 1;
  int replicas = 1;
  int ranks() const { return processes * replicas; }
};

using Task = std::function<void(Communicator&)>;

std::string message_of(const std::function<void()>& task) {
  try {
    task();
    return "";
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + ": " + error.what();
  }
}

// Runs the task on every rank; what each threw, by rank. No rank leaves before all have ended.
std::vector<std::string> on_every_rank(Network& network, const Layout& layout, const Task& task) {
  std::vector<std::string> errors(static_cast<std::size_t>(layout.ranks()));
  std::barrier all_have_met(layout.processes);
  std::vector<std::unique_ptr<ProcessGroup>> groups(static_cast<std::size_t>(layout.processes));
  std::vector<std::jthread> processes;
  for (int process = 0; process < layout.processes; ++process) {
    processes.emplace_back([&, process] {
      auto& group = groups[static_cast<std::size_t>(process)];
      group = std::make_unique<ProcessGroup>(network.link(process), ample);
      all_have_met.arrive_and_wait();
      const auto ranks = group->make_communicators(layout.replicas);
      std::vector<std::jthread> threads;
      for (const auto& rank : ranks) {
        threads.emplace_back([&] {
          errors[static_cast<std::size_t>(rank->rank())] = message_of([&] { task(*rank); });
        });
      }
    });
  }
  processes.clear();
  for (auto& group : groups) {
    processes.emplace_back([&] { group.reset(); });
  }
  return errors;
}

std::vector<std::string> on_every_rank(const Layout& layout, const Task& task) {
  Network network(layout.processes);
  return on_every_rank(network, layout, task);
}

void run(Communicator& rank, Collective operation, std::vector<float>& values) {
  rank.wait(rank.start(operation, values), ample);
}

float value_of(int rank, std::size_t i) {
  return 1.0f / static_cast<float>(1 + rank) + 0.001f * static_cast<float>(i % 1000);
}

class ProcessGroupLayout : public ::testing::TestWithParam<Layout> {};

TEST_P(ProcessGroupLayout, SumsHaveTheBitsOfOneProcessAtEverySize) {
  const Layout& layout = GetParam();
  for (const std::size_t size : {0u, 1u, 33u, 4'096u, 4'097u, 100'003u}) {
    std::vector<float> expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = value_of(0, i);
      for (int rank = 1; rank < layout.ranks(); ++rank) expected[i] += value_of(rank, i);
    }
    const auto errors = on_every_rank(layout, [&](Communicator& rank) {
      EXPECT_EQ(rank.world_size(), layout.ranks());
      std::vector<float> values(size);
      for (std::size_t i = 0; i < size; ++i) values[i] = value_of(rank.rank(), i);
      run(rank, Collective::all_reduce_sum, values);
      EXPECT_TRUE(values == expected) << size << " values, rank " << rank.rank();
    });
    EXPECT_THAT(errors, Each(""));
  }
}

TEST_P(ProcessGroupLayout, BroadcastsAndGathersReachEveryRank) {
  const Layout& layout = GetParam();
  const auto errors = on_every_rank(layout, [&](Communicator& rank) {
    std::vector<float> values(10'000, static_cast<float>(rank.rank() + 7));
    run(rank, Collective::broadcast, values);
    EXPECT_THAT(values, Each(7.0f));
    std::vector<float> parts(static_cast<std::size_t>(3 * rank.world_size()));
    const auto own = static_cast<std::size_t>(3 * rank.rank());
    for (std::size_t i = 0; i < 3; ++i) parts[own + i] = value_of(rank.rank(), i);
    run(rank, Collective::all_gather, parts);
    for (int from = 0; from < rank.world_size(); ++from) {
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(parts[static_cast<std::size_t>(3 * from) + i], value_of(from, i));
      }
    }
  });
  EXPECT_THAT(errors, Each(""));
}

TEST_P(ProcessGroupLayout, ManyOperationsAreUnderWayAtATimeAndAwaitedInAnyOrder) {
  const Layout& layout = GetParam();
  const float ranks = static_cast<float>(layout.ranks());
  const auto errors = on_every_rank(layout, [&](Communicator& rank) {
    std::vector<std::vector<float>> buffers;
    std::vector<Communicator::Ticket> tickets;
    for (std::size_t i = 0; i < 300; ++i) buffers.emplace_back(4 * i, static_cast<float>(i));
    for (auto& buffer : buffers) {
      tickets.push_back(rank.start(Collective::all_reduce_sum, buffer));
    }
    const bool backwards = rank.rank() % 2 == 1;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const std::size_t next = backwards ? buffers.size() - 1 - i : i;
      rank.wait(tickets[next], ample);
      ASSERT_THAT(buffers[next], Each(ranks * static_cast<float>(next)));
    }
  });
  EXPECT_THAT(errors, Each(""));
}

INSTANTIATE_TEST_SUITE_P(Layouts, ProcessGroupLayout,
                         ::testing::Values(Layout{1, 1}, Layout{2, 1}, Layout{1, 4}, Layout{4, 1},
                                           Layout{2, 2}, Layout{3, 2}),
                         [](const auto& each) {
                           return std::to_string(each.param.processes) + "Processes" +
                                  std::to_string(each.param.replicas) + "Replicas";
                         });

TEST(ProcessGroup, ThousandsOfOperationsStayInStep) {
  const auto errors = on_every_rank({3, 1}, [](Communicator& rank) {
    std::vector<float> values(17);
    for (int step = 0; step < 1'000; ++step) {
      for (float& value : values) value = static_cast<float>(step + rank.rank());
      run(rank, Collective::all_reduce_sum, values);
      ASSERT_THAT(values, Each(static_cast<float>(3 * step + 3)));
    }
  });
  EXPECT_THAT(errors, Each(""));
}

TEST(ProcessGroup, ARankThatIsLateIsNamedToAllOthersAndToItself) {
  const auto errors = on_every_rank({3, 1}, [](Communicator& rank) {
    std::vector<float> values(10'000);
    if (rank.rank() == 1) std::this_thread::sleep_for(milliseconds(500));
    rank.wait(rank.start(Collective::all_reduce_sum, values), brief);
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("backend: rank 1 is missing"), HasSubstr("on host1"))));
}

TEST(ProcessGroup, AReplicaThatIsLateIsNamedAmongItsProcesses) {
  const auto errors = on_every_rank({2, 2}, [](Communicator& rank) {
    std::vector<float> values(10);
    if (rank.rank() == 3) std::this_thread::sleep_for(milliseconds(500));
    rank.wait(rank.start(Collective::all_reduce_sum, values), rank.rank() == 2 ? brief : ample);
  });
  EXPECT_THAT(errors, Each(HasSubstr("backend: rank 3 is missing")));
}

TEST(ProcessGroup, AStoppedProcessIsNamedByAllOthersWhereverItStopped) {
  for (const int stopped : {0, 2}) {
    for (const int operations : {0, 5}) {
      Network network(3);
      const auto errors = on_every_rank(network, {3, 1}, [&](Communicator& rank) {
        std::vector<float> values(200'000);
        for (int i = 0; i < operations; ++i) run(rank, Collective::all_reduce_sum, values);
        if (rank.rank() == stopped) {
          network.stop(stopped);
          std::this_thread::sleep_for(milliseconds(1'300));
          network.resume(stopped);
        }
        rank.wait(rank.start(Collective::all_reduce_sum, values), milliseconds(900));
      });
      EXPECT_THAT(errors, Each(HasSubstr("rank " + std::to_string(stopped) + " is missing")));
      EXPECT_EQ(network.jobs_ended(), 3);
    }
  }
}

TEST(ProcessGroup, AnAbortEndsEveryWaitAndSaysWhoAndWhy) {
  Network network(2);
  const auto errors = on_every_rank(network, {2, 2}, [](Communicator& rank) {
    if (rank.rank() == 2) return rank.abort("out of memory");
    std::vector<float> values(10'000);
    run(rank, Collective::all_reduce_sum, values);
  });
  for (const std::size_t rank : {0u, 1u, 3u}) {
    EXPECT_EQ(errors[rank], "backend: rank 2 failed: out of memory");
  }
  EXPECT_EQ(network.jobs_ended(), 2);
}

TEST(ProcessGroup, AProcessThatLeavesIsNamed) {
  Network network(2);
  std::jthread other([&] { const ProcessGroup group(network.link(1), ample); });
  const auto group = std::make_unique<ProcessGroup>(network.link(0), ample);
  const auto ranks = group->make_communicators(1);
  std::vector<float> values(10);
  EXPECT_EQ(message_of([&] { run(*ranks[0], Collective::all_reduce_sum, values); }),
            "backend: rank 1 has left");
}

TEST(ProcessGroup, ASoundEndWaitsForAllAndEndsNoJob) {
  Network network(3);
  const auto errors = on_every_rank(network, {3, 1}, [](Communicator& rank) {
    std::vector<float> values{1, 2};
    run(rank, Collective::all_reduce_sum, values);
    if (rank.rank() == 1) std::this_thread::sleep_for(milliseconds(100));
  });
  EXPECT_THAT(errors, Each(""));
  EXPECT_EQ(network.jobs_ended(), 0);
}

TEST(ProcessGroup, OtherOperationsOrSizesAreAnErrorOnEveryRank) {
  auto errors = on_every_rank({2, 1}, [](Communicator& rank) {
    std::vector<float> values(rank.rank() == 0 ? 10 : 12);
    run(rank, Collective::all_reduce_sum, values);
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("10 values"), HasSubstr("12 values"))));
  errors = on_every_rank({2, 1}, [](Communicator& rank) {
    std::vector<float> values(10);
    run(rank, rank.rank() == 0 ? Collective::broadcast : Collective::all_gather, values);
  });
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("broadcast"), HasSubstr("all_gather"))));
}

TEST(ProcessGroup, OtherNumbersOfReplicasAreAnError) {
  Network network(2);
  std::string errors[2];
  {
    std::vector<std::jthread> processes;
    for (const int process : {0, 1}) {
      processes.emplace_back([&, process] {
        ProcessGroup group(network.link(process), ample);
        const auto ranks = group.make_communicators(1 + process);
        errors[process] = message_of([&] {
          std::vector<float> values(10);
          for (const auto& rank : ranks) rank->start(Collective::all_reduce_sum, values);
          ranks[0]->wait(0, ample);
        });
      });
    }
  }
  EXPECT_THAT(errors, Each(HasSubstr("every process must have as many")));
}

TEST(ProcessGroup, AProcessThatDoesNotComeToTheBeginningIsNamed) {
  Network network(3);
  std::string errors[2];
  {
    std::vector<std::jthread> processes;
    for (const int process : {0, 1}) {
      processes.emplace_back([&, process] {
        errors[process] =
            message_of([&] { const ProcessGroup group(network.link(process), milliseconds(100)); });
      });
    }
  }
  EXPECT_THAT(errors, Each(HasSubstr("rank 2 has not come to the beginning in time")));
  EXPECT_EQ(network.jobs_ended(), 0);
}

TEST(ProcessGroup, NoBufferIsTouchedAfterItsOwnersWaitHasFailed) {
  // Under the sanitizers a late write to a buffer that its owner freed is an error.
  for (int round = 0; round < 6; ++round) {
    on_every_rank({3, 1}, [&](Communicator& rank) {
      std::vector<float> values(300'000);
      const auto ticket = rank.start(Collective::all_reduce_sum, values);
      if (rank.rank() == round % 3) {
        rank.abort("in the middle");
      }
      rank.wait(ticket, ample);
    });
  }
}

TEST(ProcessGroup, NonsenseIsRefused) {
  Network network(2);
  const auto errors = on_every_rank(network, {2, 1}, [](Communicator& rank) {
    std::vector<float> values(3);
    EXPECT_THAT(message_of([&] { rank.start(Collective::all_gather, values); }),
                HasSubstr("equal parts"));
    EXPECT_THAT(message_of([&] { rank.wait(7, ample); }), HasSubstr("has not started"));
  });
  EXPECT_THAT(errors, Each(""));
}

}  // namespace
}  // namespace headrace
