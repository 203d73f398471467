#include "headrace/pipeline/slot_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <thread>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

BatchSpec odd_sizes() {
  return {{{"a", ElementType::u8, {3}}, {"b", ElementType::f32, {5}}, {"c", ElementType::u8, {}}}};
}

TEST(SlotPool, GivesEachSlotOnceAndAgainAfterItCameBack) {
  SlotPool pool(odd_sizes(), 7, 3);
  EXPECT_EQ(pool.slots(), 3);
  std::vector<std::shared_ptr<Slot>> taken;
  std::set<int> indices;
  for (int i = 0; i < 3; ++i) {
    taken.push_back(pool.try_take());
    indices.insert(taken.back()->index());
  }
  EXPECT_EQ(indices, (std::set<int>{0, 1, 2}));
  EXPECT_EQ(pool.try_take(), nullptr);
  Slot* returned = taken[1].get();
  taken[1].reset();
  EXPECT_EQ(pool.try_take().get(), returned);
}

TEST(SlotPool, FieldsAreAlignedAndDoNotOverlap) {
  SlotPool pool(odd_sizes(), 7, 2);
  const auto one = pool.try_take();
  const auto two = pool.try_take();
  unsigned char mark = 1;
  for (const auto& slot : {one, two}) {
    for (std::size_t field = 0; field < 3; ++field) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slot->rows(7).row(field, 0)) % 64, 0u);
      std::memset(slot->rows(7).row(field, 0), mark++, 7 * odd_sizes().fields[field].row_bytes());
    }
  }
  mark = 1;
  for (const auto& slot : {one, two}) {
    for (std::size_t field = 0; field < 3; ++field) {
      const std::byte* bytes = slot->rows(7).row(field, 0);
      for (std::size_t i = 0; i < 7 * odd_sizes().fields[field].row_bytes(); ++i) {
        ASSERT_EQ(bytes[i], std::byte{mark});
      }
      ++mark;
    }
  }
  EXPECT_GE(pool.bytes(), 2 * 7 * (3 + 20 + 1u));
}

TEST(SlotPool, CountsLeases) {
  SlotPool pool(odd_sizes(), 1, 2);
  {
    const Batch batch = pool.lease(pool.try_take());
    const auto slot = pool.try_take();
    EXPECT_EQ(pool.leased(), 1);
  }
  EXPECT_EQ(pool.leased(), 0);
}

TEST(SlotPool, ALeaseOutlivesThePool) {
  std::optional<Batch> batch;
  {
    SlotPool pool(odd_sizes(), 2, 1);
    auto slot = pool.try_take();
    std::memset(slot->rows(2).row(0, 0), 9, 6);
    slot->describe(2, {}, {0, 2});
    batch = pool.lease(std::move(slot));
  }
  EXPECT_EQ(batch->field("a").as<std::uint8_t>()[5], 9);
  EXPECT_EQ(batch->spec().fields.size(), 3u);
}

TEST(SlotPool, TellsOfReturnsUntilToldToStop) {
  SlotPool pool(odd_sizes(), 1, 1);
  int returns = 0;
  pool.on_return([](void* context) { ++*static_cast<int*>(context); }, &returns);
  pool.try_take().reset();
  { const Batch batch = pool.lease(pool.try_take()); }
  EXPECT_EQ(returns, 2);
  pool.stop_notifying();
  pool.try_take().reset();
  EXPECT_EQ(returns, 2);
}

TEST(SlotPool, TheReturnCallMayTakeASlot) {
  SlotPool pool(odd_sizes(), 1, 1);
  struct Context {
    SlotPool* pool;
    std::shared_ptr<Slot> taken;
  } context{&pool, nullptr};
  pool.on_return(
      [](void* raw) {
        auto* c = static_cast<Context*>(raw);
        c->taken = c->pool->try_take();
      },
      &context);
  pool.try_take().reset();
  EXPECT_NE(context.taken, nullptr);
  pool.stop_notifying();
}

TEST(SlotPool, SlotsTravelBetweenThreads) {
  SlotPool pool(odd_sizes(), 1, 3);
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000;) {
        auto slot = pool.try_take();
        if (slot == nullptr) {
          std::this_thread::yield();
          continue;
        }
        *slot->rows(1).row(0, 0) = std::byte{static_cast<unsigned char>(t)};
        const Batch batch = pool.lease(std::move(slot));
        ++i;
      }
      ++done;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 4);
  EXPECT_EQ(pool.leased(), 0);
}

TEST(SlotPool, RefusesSizesThatMakeNoSense) {
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(SlotPool(odd_sizes(), 0, 1), Error);
  EXPECT_THROW(SlotPool(odd_sizes(), -3, 1), Error);
  EXPECT_THROW(SlotPool(odd_sizes(), 1, 0), Error);
  EXPECT_THROW(SlotPool({}, 1, 1), Error);
  EXPECT_THROW(SlotPool(odd_sizes(), huge, 1), Error);
  EXPECT_THROW(SlotPool(odd_sizes(), huge / 64, 1'000'000), Error);
  EXPECT_THROW(SlotPool({{{"a", ElementType::f32, {huge, huge}}}}, 2, 1), Error);
  EXPECT_THROW(SlotPool({{{"a", ElementType::f32, {3, 0}}}}, 2, 1), Error);
  EXPECT_THROW(SlotPool({{{"a", ElementType::f32, {3, -1}}}}, 2, 1), Error);
}

}  // namespace
}  // namespace headrace
