#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "fake_sequence.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/loader.h"

namespace headrace::fake {

inline std::shared_ptr<CountingSequence> counting(std::int64_t size, std::int64_t grain = 3,
                                                  std::uint64_t seed = 1) {
  return std::make_shared<CountingSequence>(size, grain, seed);
}

inline void expect_samples_of(const Batch& batch, Position begin, std::int64_t size) {
  ASSERT_EQ(batch.begin(), begin);
  ASSERT_EQ(batch.end(), (Position{begin.epoch, begin.sample + size}));
  ASSERT_EQ(batch.size(), size);
  const auto values = batch.field("value").as<std::uint64_t>();
  for (std::int64_t row = 0; row < size; ++row) {
    ASSERT_EQ(values[static_cast<std::size_t>(row)],
              sample_value(1, begin.epoch, begin.sample + row));
  }
}

// Of all that a stream that ends delivers.
inline std::uint64_t stream_fingerprint(std::shared_ptr<const Sequence> sequence,
                                        LoaderOptions options) {
  Fingerprint fingerprint;
  Loader loader(std::move(sequence), options);
  while (loader.state().position.epoch < *options.epochs) {
    if (const auto batch = loader.next()) fingerprint.add(*batch);
  }
  return fingerprint.value();
}

}  // namespace headrace::fake
