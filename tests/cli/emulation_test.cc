#include "headrace/cli/emulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

using testing::HasSubstr;

// Tries of a machine that keeps `capacity` accelerators fully busy.
EmulationResult search(double capacity, int most = 1024, int memory_for = 1 << 20) {
  Emulation emulation;
  emulation.seconds = 0.1;
  emulation.most = most;
  return find_most_accelerators(emulation, [&](int accelerators) {
    EXPECT_LE(accelerators, most);
    if (accelerators > memory_for) throw Error(ErrorCode::invalid_argument, "no memory");
    EmulationTry made;
    made.accelerators = accelerators;
    made.utilisation = std::min(1.0, capacity / accelerators);
    return made;
  });
}

TEST(Emulation, TheMostThatAreBusyEnoughAreFound) {
  for (int most_busy = 1; most_busy < 40; ++most_busy) {
    // busy: capacity / n >= 0.9
    const EmulationResult found = search(0.9 * (most_busy + 0.5));
    EXPECT_EQ(found.accelerators, most_busy);
    EXPECT_EQ(found.limit, "");
    EXPECT_LE(found.tries.size(), 13u);
    EXPECT_TRUE(std::is_sorted(found.tries.begin(), found.tries.end(),
                               [](auto& a, auto& b) { return a.accelerators < b.accelerators; }));
  }
}

TEST(Emulation, NotOneMayBeBusyEnough) {
  const EmulationResult found = search(0.5);
  EXPECT_EQ(found.accelerators, 0);
  EXPECT_EQ(found.tries.size(), 1u);
  EXPECT_THAT(to_text(found, {}), HasSubstr("Not one accelerator is kept 90 % busy."));
}

TEST(Emulation, BoundsAreNamed) {
  const EmulationResult most = search(1000, 5);
  EXPECT_EQ(most.accelerators, 5);
  EXPECT_THAT(most.limit, HasSubstr("--emulate-most"));
  const EmulationResult memory = search(1000, 1024, 11);
  EXPECT_EQ(memory.accelerators, 11);
  EXPECT_THAT(memory.limit, HasSubstr("12 accelerators: no memory"));
  // Memory for fewer than were asked for, but busy they would not have been.
  const EmulationResult both = search(3.5, 1024, 7);
  EXPECT_EQ(both.accelerators, 3);
  EXPECT_EQ(both.limit, "");
}

TEST(Emulation, MemoryThatIsTooSmallForOneIsAnError) { EXPECT_THROW(search(1, 8, 0), Error); }

// Counts its batches; from sample `fails_at` on none can be made.
class Counting final : public Sequence {
 public:
  explicit Counting(std::int64_t fails_at = 1 << 30) : fails_at_(fails_at) {
    spec_.fields = {{"image", ElementType::u8, {4}}};
  }
  std::int64_t size() const override { return 1000; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t, std::int64_t first, const Rows&) const override {
    if (first >= fails_at_) throw Error(ErrorCode::corrupt_data, "sample is bad");
  }

 private:
  std::int64_t fails_at_;
  BatchSpec spec_;
};

LoaderOptions endless(int accelerators, const Sequence& images) {
  LoaderOptions options;
  options.batch_size = 10;
  options.threads = 1;
  return emulated_loader(options, accelerators, images);
}

TEST(Emulation, AcceleratorsGoThroughTheStepsTogether) {
  const auto images = std::make_shared<Counting>();
  Loader loader(images, endless(3, *images));
  Emulation emulation;
  emulation.seconds = 0.002;
  emulation.run_seconds = 0.01;
  Interrupt interrupt;
  const EmulationTry made = try_accelerators(loader, 3, emulation, interrupt);
  EXPECT_GE(made.steps, 3);
  EXPECT_GT(made.utilisation, 0);
  EXPECT_LE(made.utilisation, 1);
  // Each takes a batch in each step.
  EXPECT_NEAR(made.images_per_second * made.seconds, static_cast<double>(30 * made.steps), 1e-6);
}

TEST(Emulation, WhatLoadingThrowsEndsATry) {
  const auto images = std::make_shared<Counting>(100);
  Loader loader(images, endless(3, *images));
  Emulation emulation;
  emulation.seconds = 0.001;
  emulation.run_seconds = 60;
  Interrupt interrupt;
  EXPECT_THROW(try_accelerators(loader, 3, emulation, interrupt), Error);
}

TEST(Emulation, ALoaderHasBatchesForEach) {
  const Counting images;
  const LoaderOptions options = endless(5, images);
  EXPECT_EQ(options.leases, 5);
  EXPECT_EQ(options.prefetch, 5 * LoaderOptions().prefetch);
  EXPECT_FALSE(options.epochs);
}

TEST(Emulation, BatchesThatNoMachineHoldsAreRefused) {
  LoaderOptions options;
  options.batch_size = std::int64_t{1} << 36;
  EXPECT_THROW(emulated_loader(options, 64, Counting()), Error);
}

}  // namespace
}  // namespace headrace::cli
