#include "headrace/pipeline/fingerprint.h"

#include <gtest/gtest.h>

#include <cstring>

#include "headrace/pipeline/slot_pool.h"

namespace headrace {
namespace {

TEST(Fingerprint, DependsOnContentOrderAndBoundaries) {
  const std::uint64_t ab_c = Fingerprint().add("ab").add("c").value();
  EXPECT_EQ(ab_c, Fingerprint().add("ab").add("c").value());
  EXPECT_NE(ab_c, Fingerprint().add("a").add("bc").value());
  EXPECT_NE(ab_c, Fingerprint().add("c").add("ab").value());
  EXPECT_NE(Fingerprint().add(1).add(2).value(), Fingerprint().add(2).add(1).value());
  EXPECT_NE(Fingerprint().add("").value(), Fingerprint().value());
}

TEST(Fingerprint, IsXxh3) {
  // XXH3_64bits of no bytes, seed 0.
  EXPECT_EQ(Fingerprint().add(std::span<const std::byte>()).value(), 0x2d06800538d394c2u);
}

Batch counting_batch(SlotPool& pool, std::int64_t first, std::int64_t count) {
  auto slot = pool.try_take();
  const Rows rows = slot->rows(count);
  for (std::int64_t row = 0; row < count; ++row) {
    std::memset(rows.row(0, row), static_cast<int>(first + row), 5);
    *rows.row_as<std::int32_t>(1, row) = static_cast<std::int32_t>(first + row);
  }
  slot->describe(count, {0, first}, {0, first + count});
  return pool.lease(std::move(slot));
}

TEST(Fingerprint, OfBatchesDoesNotDependOnHowSamplesAreCutIntoBatches) {
  SlotPool pool({{{"image", ElementType::u8, {5}}, {"label", ElementType::i32, {}}}}, 6, 2);
  const std::uint64_t whole = Fingerprint().add(counting_batch(pool, 0, 6)).value();
  const std::uint64_t parts =
      Fingerprint().add(counting_batch(pool, 0, 2)).add(counting_batch(pool, 2, 4)).value();
  EXPECT_EQ(whole, parts);
  EXPECT_NE(whole, Fingerprint().add(counting_batch(pool, 0, 5)).value());
  EXPECT_NE(whole, Fingerprint().add(counting_batch(pool, 1, 6)).value());
}

TEST(ToHex, WritesSixteenDigits) {
  EXPECT_EQ(to_hex(0), "0000000000000000");
  EXPECT_EQ(to_hex(0x0123456789abcdef), "0123456789abcdef");
}

}  // namespace
}  // namespace headrace
