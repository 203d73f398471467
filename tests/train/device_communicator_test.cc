// Sums on devices beside a communicator of processes. Links are doubles: their devices are memory
// of this process.
#include "headrace/train/comm/device_communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr milliseconds long_enough(30'000);
constexpr int ranks = 3;

// What the links of all ranks share.
struct Wires {
  std::mutex mutex;
  std::vector<std::string> ids;
  struct Sum {
    std::vector<std::span<float>> given;
    bool is_made = false;
  };
  std::vector<Sum> sums;
  std::atomic<int> aborted{0};
};

struct Faults {
  bool no_link = false;
  bool shares_device = false;
  bool no_id = false;
  bool never_joins = false;
  bool breaks = false;  // at the first sum
  bool stalls = false;  // at the first sum
};

class FakeLink final : public DeviceLink {
 public:
  FakeLink(Wires& wires, int rank, const Faults& faults, std::span<float> memory)
      : wires_(wires), rank_(rank), faults_(faults), memory_(memory) {}

  std::string device() const override {
    return "device " + std::to_string(faults_.shares_device ? 0 : rank_);
  }
  std::string make_id() override {
    if (faults_.no_id) throw std::runtime_error("no id today");
    return std::string("i\0d", 3);
  }
  void join(const std::string& id, int, int) override {
    const std::lock_guard lock(wires_.mutex);
    wires_.ids.push_back(id);
  }
  bool is_joined() override {
    const std::lock_guard lock(wires_.mutex);
    return wires_.ids.size() == ranks && !faults_.never_joins;
  }
  bool holds(const float* values) const override {
    return values >= memory_.data() && values < memory_.data() + memory_.size();
  }
  Request add_up(std::span<float> values) override {
    if (faults_.breaks) throw std::runtime_error("the wire broke");
    const std::lock_guard lock(wires_.mutex);
    if (wires_.sums.size() <= next_) wires_.sums.resize(next_ + 1);
    if (!faults_.stalls) wires_.sums[next_].given.push_back(values);
    return next_++;
  }
  bool done(Request request) override {
    const std::lock_guard lock(wires_.mutex);
    Wires::Sum& sum = wires_.sums[request];
    if (sum.given.size() < ranks) return false;
    if (!sum.is_made) {
      for (std::size_t i = 0; i < sum.given[0].size(); ++i) {
        const float all = sum.given[0][i] + sum.given[1][i] + sum.given[2][i];
        for (auto& values : sum.given) values[i] = all;
      }
      sum.is_made = true;
    }
    return true;
  }
  void abort() noexcept override { ++wires_.aborted; }

 private:
  Wires& wires_;
  int rank_;
  Faults faults_;
  std::span<float> memory_;
  Request next_ = 0;
};

struct Rank {
  Communicator& communicator;
  std::vector<float>& device;  // memory that lies there
  const std::string& why;
};

// Runs a task on all ranks, with these faults at the last (or, where the id is, at the first); the
// message of what each threw.
std::vector<std::string> on_every_rank(const Faults& faults, const std::function<void(Rank&)>& task,
                                       milliseconds deadline = long_enough, Wires* seen = nullptr) {
  Wires own;
  Wires& wires = seen == nullptr ? own : *seen;
  auto processes = make_local_communicators(ranks);
  std::vector<std::string> errors(ranks);
  {
    std::vector<std::jthread> threads;
    for (int number = 0; number < ranks; ++number) {
      threads.emplace_back([&, number] {
        const auto index = static_cast<std::size_t>(number);
        const bool is_faulty = number == (faults.no_id ? 0 : ranks - 1);
        const Faults of_rank = is_faulty ? faults : Faults{};
        std::vector<float> device(8, static_cast<float>(number + 1));
        std::unique_ptr<DeviceLink> link;
        if (!of_rank.no_link) {
          link = std::make_unique<FakeLink>(wires, number, of_rank, std::span(device));
        }
        try {
          std::string why;
          const auto made =
              DeviceCommunicator::make(std::move(processes[index]), std::move(link), deadline, why);
          Rank rank{*made, device, why};
          task(rank);
        } catch (const Error& error) {
          errors[index] = error.what();
        }
      });
    }
  }
  return errors;
}

void add_up(Rank& rank, milliseconds deadline) {
  rank.communicator.wait(rank.communicator.start(Collective::all_reduce_sum, rank.device),
                         deadline);
}

TEST(DeviceCommunicator, AddsUpOnDevicesWhatLiesThereAndTheRestByTheProcesses) {
  Wires wires;
  const auto errors = on_every_rank(
      {},
      [](Rank& rank) {
        EXPECT_EQ(rank.why, "");
        EXPECT_TRUE(rank.communicator.reaches_devices());
        std::vector<float> host(2, static_cast<float>(rank.communicator.rank()));
        const std::span<float> device(rank.device);
        const auto first = rank.communicator.start(Collective::all_reduce_sum, device.first(3));
        const auto other = rank.communicator.start(Collective::all_reduce_sum, host);
        const auto second = rank.communicator.start(Collective::all_reduce_sum, device.subspan(3));
        // In any order, as buckets are waited for.
        for (const auto ticket : {second, first, other}) {
          rank.communicator.wait(ticket, long_enough);
        }
        EXPECT_LE(rank.communicator.done_at(second), rank.communicator.done_at(first));
        EXPECT_THAT(rank.device, Each(6.0f));
        EXPECT_THAT(host, ElementsAre(3.0f, 3.0f));
      },
      long_enough, &wires);
  EXPECT_THAT(errors, Each(""));
  EXPECT_THAT(wires.ids, Each(std::string("i\0d", 3)));
  EXPECT_EQ(wires.sums.size(), 2u);
  EXPECT_EQ(wires.aborted, 0);
}

TEST(DeviceCommunicator, RanksThatShareADeviceGoThroughTheHost) {
  const auto expect_through_host = [](const Faults& faults, const std::string& reason) {
    const auto errors = on_every_rank(faults, [&](Rank& rank) {
      EXPECT_FALSE(rank.communicator.reaches_devices());
      EXPECT_EQ(rank.why, reason);
      add_up(rank, long_enough);
      EXPECT_THAT(rank.device, Each(6.0f));
    });
    EXPECT_THAT(errors, Each(""));
  };
  expect_through_host({.shares_device = true}, "rank 0 and rank 2 share a GPU");
  expect_through_host({.no_link = true}, "rank 2 cannot");
}

TEST(DeviceCommunicator, ALinkThatBreaksIsAnErrorOnAllThatNamesItsRank) {
  Wires wires;
  const auto errors = on_every_rank(
      {.breaks = true}, [](Rank& rank) { add_up(rank, long_enough); }, long_enough, &wires);
  EXPECT_THAT(errors, Each(AllOf(HasSubstr("rank 2"), HasSubstr("the wire broke"))));
  EXPECT_EQ(wires.aborted, ranks);
}

// All ranks live, and say so: nobody is blamed for what lies on the way.
TEST(DeviceCommunicator, ASumThatIsNeverMadeEndsAtTheDeadline) {
  Wires wires;
  const auto errors = on_every_rank(
      {.stalls = true}, [](Rank& rank) { add_up(rank, milliseconds(200)); }, long_enough, &wires);
  EXPECT_THAT(errors, Each(HasSubstr("GPUs did not add up their gradients within 200 ms")));
  EXPECT_EQ(wires.aborted, ranks);
}

TEST(DeviceCommunicator, ARankThatDoesNotComeToASumIsNamed) {
  std::mutex mutex;
  std::condition_variable changed;
  int failed = 0;
  const auto errors = on_every_rank({}, [&](Rank& rank) {
    if (rank.communicator.rank() == 1) {
      std::unique_lock lock(mutex);
      EXPECT_TRUE(changed.wait_for(lock, long_enough, [&] { return failed == ranks - 1; }));
      return;
    }
    try {
      add_up(rank, milliseconds(200));
    } catch (const Error&) {
      const std::lock_guard lock(mutex);
      ++failed;
      changed.notify_all();
      throw;
    }
  });
  EXPECT_THAT(errors[0], HasSubstr("rank 1"));
  EXPECT_THAT(errors[2], HasSubstr("rank 1"));
}

TEST(DeviceCommunicator, ARankThatFailsMeanwhileEndsTheWaitOfAll) {
  const auto errors = on_every_rank({}, [](Rank& rank) {
    if (rank.communicator.rank() == 1) {
      rank.communicator.abort("out of memory");
      return;
    }
    add_up(rank, long_enough);
  });
  EXPECT_THAT(errors, ElementsAre(HasSubstr("rank 1 failed: out of memory"), "",
                                  HasSubstr("rank 1 failed: out of memory")));
}

TEST(DeviceCommunicator, WhatGoesWrongInMeetingIsSaidByAll) {
  EXPECT_THAT(on_every_rank({.no_id = true}, [](Rank&) {}), Each(HasSubstr("no id today")));
  EXPECT_THAT(
      on_every_rank(
          {.never_joins = true}, [](Rank& rank) { add_up(rank, long_enough); }, milliseconds(200)),
      Each(HasSubstr("rank 2")));
}

}  // namespace
}  // namespace headrace
