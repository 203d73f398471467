#include "headrace/pipeline/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_sequence.h"

namespace headrace {
namespace {

using fake::CountingSequence;
using fake::sample_value;
using ::testing::HasSubstr;

constexpr ShardMode all_modes[] = {ShardMode::uneven, ShardMode::pad, ShardMode::drop};

// --- Shares ---

TEST(Shard, SharesAreConsecutiveAndTogetherTheBatch) {
  for (const ShardMode mode : all_modes) {
    for (int ranks = 1; ranks <= 9; ++ranks) {
      for (std::int64_t samples = 0; samples <= 40; ++samples) {
        std::int64_t next = 0;
        for (int rank = 0; rank < ranks; ++rank) {
          const Share share = share_of(samples, {rank, ranks, mode});
          ASSERT_EQ(share.first, next);
          next += share.samples;
        }
        ASSERT_EQ(next, mode == ShardMode::drop ? samples / ranks * ranks : samples);
        ASSERT_EQ(next, shared_samples(samples, {0, ranks, mode}));
      }
    }
  }
}

TEST(Shard, UnevenSharesDifferByOneSampleAtMost) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (std::int64_t samples = 0; samples <= 40; ++samples) {
      for (int rank = 0; rank < ranks; ++rank) {
        const Share share = share_of(samples, {rank, ranks, ShardMode::uneven});
        ASSERT_GE(share.samples, samples / ranks);
        ASSERT_LE(share.samples, (samples + ranks - 1) / ranks);
        ASSERT_EQ(share.rows, share.samples);
      }
    }
  }
}

TEST(Shard, PaddedSharesHaveEqualRowsAndRepeatASampleOfTheBatch) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (std::int64_t samples = 1; samples <= 40; ++samples) {
      for (int rank = 0; rank < ranks; ++rank) {
        const Share share = share_of(samples, {rank, ranks, ShardMode::pad});
        ASSERT_EQ(share.rows, (samples + ranks - 1) / ranks);
        ASSERT_LE(share.rows - share.samples, 1);
        ASSERT_GE(share.repeated, 0);
        ASSERT_LT(share.repeated, samples);
      }
    }
  }
}

TEST(Shard, SharesOfHugeBatchesDoNotOverflow) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  constexpr int ranks = std::numeric_limits<int>::max();
  const Share last = share_of(most, {ranks - 1, ranks, ShardMode::uneven});
  EXPECT_EQ(last.first + last.samples, most);
}

TEST(Shard, RefusesRanksThatDoNotExist) {
  EXPECT_NO_THROW(validate(Shard{.rank = 7, .world_size = 8}));
  for (const Shard& shard : {Shard{8, 8}, Shard{-1, 8}, Shard{0, 0}, Shard{0, -1}}) {
    EXPECT_THROW(validate(shard), Error);
  }
}

// --- Loaders of ranks ---

// How many ranks work together, and how.
struct Topology {
  int ranks = 1;
  std::int64_t batch_size = 1;
  ShardMode mode = ShardMode::uneven;
};

std::vector<Loader> loaders_of(const std::shared_ptr<const Sequence>& sequence, Topology topology,
                               Position start, std::uint64_t epochs) {
  std::vector<Loader> loaders;
  for (int rank = 0; rank < topology.ranks; ++rank) {
    loaders.emplace_back(sequence, LoaderOptions{.batch_size = topology.batch_size,
                                                 .threads = 1,
                                                 .prefetch = 2,
                                                 .leases = 1,
                                                 .shard = {rank, topology.ranks, topology.mode},
                                                 .start = start,
                                                 .epochs = epochs});
  }
  return loaders;
}

// Takes one batch of each rank, checks it, and adds its samples to `taken`. False at an epoch's
// end, which must be the same for all.
bool take_step(std::vector<Loader>& loaders, std::vector<std::int64_t>& taken) {
  int ended = 0;
  Position begin, end;
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max(), most = 0;
  for (std::size_t rank = 0; rank < loaders.size(); ++rank) {
    const auto batch = loaders[rank].next();
    if (!batch) {
      ++ended;
      continue;
    }
    if (rank == 0) begin = batch->begin(), end = batch->end();
    EXPECT_EQ(batch->begin(), begin);
    EXPECT_EQ(batch->end(), end);
    EXPECT_EQ(loaders[rank].state().position, end);
    const auto values = batch->field("value").as<std::uint64_t>();
    const auto index = batch->field("index").as<std::int32_t>();
    for (std::int64_t row = 0; row < batch->size(); ++row) {
      const auto at = static_cast<std::size_t>(row);
      const std::int32_t position = index[2 * at + 1];
      EXPECT_EQ(values[at], sample_value(1, begin.epoch, position));
      EXPECT_GE(position, begin.sample);
      EXPECT_LT(position, end.sample);
      if (row < batch->valid_rows()) taken.push_back(position);
    }
    fewest = std::min(fewest, batch->size());
    most = std::max(most, batch->size());
  }
  EXPECT_TRUE(ended == 0 || ended == static_cast<int>(loaders.size()));
  if (ended > 0) return false;
  const bool even = loaders[0].options().shard.mode != ShardMode::uneven;
  EXPECT_LE(most - fewest, even ? 0 : 1);
  return true;
}

Topology drawn(Rng& rng, std::int64_t size) {
  Topology topology{.ranks = 1 + static_cast<int>(rng.below(8)), .mode = all_modes[rng.below(3)]};
  if (topology.ranks > size) topology.mode = ShardMode::pad;
  topology.batch_size = 1 + static_cast<std::int64_t>(rng.below(20));
  if (topology.mode == ShardMode::drop) {
    topology.batch_size *= topology.ranks;  // what that mode asks for
  }
  return topology;
}

TEST(Shard, RanksTakeEverySampleOnceHoweverTheirNumberAndTheBatchChangeInMidEpoch) {
  Rng rng(1, 2);
  for (int trial = 0; trial < 150; ++trial) {
    const auto size = static_cast<std::int64_t>(1 + rng.below(90));
    const auto sequence = std::make_shared<CountingSequence>(size);
    Position at{rng.below(3), 0};
    std::vector<std::int64_t> taken;
    Topology topology;
    for (bool in_epoch = true; in_epoch;) {
      topology = drawn(rng, size);
      auto loaders = loaders_of(sequence, topology, at, at.epoch + 1);
      for (std::uint64_t steps = rng.below(4); in_epoch && steps > 0; --steps) {
        in_epoch = take_step(loaders, taken);
        // What any rank saves is what all others would.
        if (in_epoch) at = loaders[rng.below(loaders.size())].state().position;
      }
    }
    const auto left_out = size - static_cast<std::int64_t>(taken.size());
    ASSERT_GE(left_out, 0);
    ASSERT_LT(left_out, topology.mode == ShardMode::drop ? topology.ranks : 1) << "trial " << trial;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      ASSERT_EQ(taken[i], static_cast<std::int64_t>(i)) << "trial " << trial;
    }
  }
}

TEST(Shard, EveryRankHasAsManyBatchesAsItsLoaderSays) {
  for (const ShardMode mode : all_modes) {
    for (const bool drop_last : {false, true}) {
      for (const std::int64_t size : {12, 13, 15, 16, 23}) {
        for (int rank = 0; rank < 4; ++rank) {
          Loader loader(std::make_shared<CountingSequence>(size), {.batch_size = 4,
                                                                   .drop_last = drop_last,
                                                                   .threads = 1,
                                                                   .shard = {rank, 4, mode},
                                                                   .epochs = 2});
          for (int epoch = 0; epoch < 2; ++epoch) {
            std::int64_t batches = 0;
            while (loader.next()) ++batches;
            ASSERT_EQ(batches, loader.batches_per_epoch()) << size;
          }
        }
      }
    }
  }
}

TEST(Shard, MoreRanksThanSamplesGiveEmptySharesOrPaddedOnes) {
  const auto sequence = std::make_shared<CountingSequence>(3);
  for (const ShardMode mode : {ShardMode::uneven, ShardMode::pad}) {
    for (int rank = 0; rank < 5; ++rank) {
      Loader loader(sequence, {.batch_size = 10, .threads = 1, .shard = {rank, 5, mode}});
      for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
        const auto batch = loader.next();
        ASSERT_TRUE(batch);
        EXPECT_EQ(batch->end(), (Position{epoch, 3}));
        EXPECT_EQ(batch->valid_rows(), share_of(3, {rank, 5}).samples);
        EXPECT_EQ(batch->size(), mode == ShardMode::pad ? 1 : batch->valid_rows());
        EXPECT_FALSE(loader.next());
      }
    }
  }
}

TEST(Shard, AShareIsMadeByItsRankAlone) {
  const auto sequence = std::make_shared<CountingSequence>(80);
  Loader loader(
      sequence,
      {.batch_size = 16, .threads = 2, .shard = {.rank = 1, .world_size = 4}, .epochs = 1});
  while (loader.next()) {
  }
  EXPECT_EQ(sequence->filled(), 20);
  EXPECT_EQ(loader.stats().samples, 20);
}

TEST(Shard, SlotsHaveRoomForAShareAndNoMore) {
  const auto sequence = std::make_shared<CountingSequence>(4096);
  const Loader whole(sequence, {.batch_size = 1024, .threads = 1});
  const Loader share(sequence, {.batch_size = 1024, .threads = 1, .shard = {0, 4}});
  EXPECT_EQ(share.memory_bytes() * 4, whole.memory_bytes());
}

std::string refusal(std::int64_t size, LoaderOptions options) {
  try {
    const Loader loader(std::make_shared<CountingSequence>(size), options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(Shard, DroppingAsksForBatchesThatDivide) {
  EXPECT_THAT(refusal(1000, {.batch_size = 100, .shard = {0, 8, ShardMode::drop}}),
              HasSubstr("make it 96"));
  EXPECT_THAT(refusal(1000, {.batch_size = 5, .shard = {0, 8, ShardMode::drop}}),
              HasSubstr("make it 8"));
  EXPECT_THAT(refusal(7, {.batch_size = 8, .shard = {0, 8, ShardMode::drop}}),
              HasSubstr("an epoch of 7 samples"));
  EXPECT_THAT(refusal(7, {.batch_size = 8, .shard = {8, 8}}), HasSubstr("rank 8 of 8"));
}

}  // namespace
}  // namespace headrace
