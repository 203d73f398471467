#include "headrace/cli/loading_options.h"

#include <gtest/gtest.h>

#include "headrace/pipeline/error.h"

namespace headrace::cli {
namespace {

TEST(ShuffleOption, EveryOrderHasAName) {
  EXPECT_EQ(parse_shuffle("full").shuffle, Shuffle::full);
  EXPECT_EQ(parse_shuffle("none").shuffle, Shuffle::none);
  const ShuffleChoice usual = parse_shuffle("blocks");
  EXPECT_EQ(usual.shuffle, Shuffle::blocks);
  EXPECT_EQ(usual.blocks.samples, BlockShuffle().samples);
  EXPECT_EQ(parse_shuffle("blocks:128").blocks.samples, 128);
  EXPECT_EQ(parse_shuffle("blocks:128").blocks.window, BlockShuffle().window);
  EXPECT_EQ(parse_shuffle("blocks:128x4").blocks.window, 4);
}

TEST(ShuffleOption, AnythingElseIsRefused) {
  for (const char* text : {"", "random", "blocks:", "blocks:0", "blocks:-1", "blocks:4x",
                           "blocks:4x0", "blocks:x4", "blocks64", "full:4", "blocks:4x4x4"}) {
    EXPECT_THROW(parse_shuffle(text), Error) << text;
  }
}

TEST(ErrorBudgetOption, IsACountOrAShare) {
  EXPECT_EQ(parse_error_budget("20").count, 20);
  EXPECT_EQ(parse_error_budget("0").count, 0);
  EXPECT_FALSE(parse_error_budget("1%").count);
  EXPECT_DOUBLE_EQ(parse_error_budget("0.5%").share, 0.005);
  EXPECT_DOUBLE_EQ(parse_error_budget("100%").share, 1);
}

TEST(ErrorBudgetOption, AnythingElseIsRefused) {
  for (const char* text : {"", "%", "-1", "1.5", "101%", "-1%", "nan%", "1 %", "many"})
    EXPECT_THROW(parse_error_budget(text), Error) << text;
}

TEST(ShardOption, IsARankOfAWorld) {
  const Shard shard = parse_shard("1/4");
  EXPECT_EQ(shard.rank, 1);
  EXPECT_EQ(shard.world_size, 4);
  for (const char* text : {"", "1", "4/4", "-1/4", "0/0", "1/4/2", "a/b", "/", "1/", "/4"})
    EXPECT_THROW(parse_shard(text), Error) << text;
}

}  // namespace
}  // namespace headrace::cli
