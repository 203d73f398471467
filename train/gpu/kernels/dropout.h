#pragma once

#include "headrace/train/gpu/values.h"

namespace headrace::gpu {

// What changes from step to step, in the device's memory.
struct StepScalars {
  std::uint32_t dropout_key[2] = {};  // drawn of seed and step
  std::int64_t global_first = 0;      // row of the first one, over all replicas
  std::int64_t valid = 0;             // rows that count
  float scale = 0;                    // of gradients
};

struct FourWords {
  std::uint32_t word[4];
};

// The block function of pipeline/rng.h, for kernels.
HEADRACE_HOST_DEVICE FourWords philox(FourWords counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(b >> 32) ^ counter.word[1] ^ key0,
                static_cast<std::uint32_t>(b),
                static_cast<std::uint32_t>(a >> 32) ^ counter.word[3] ^ key1,
                static_cast<std::uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// y = x times what layers/dropout_mask.h says, four elements of a row an item. Of gradients too.
struct Drop {
  std::int64_t rows = 0;
  std::uint32_t elements = 0;  // of a row
  std::uint32_t node = 0;
  std::uint64_t threshold = 0;  // words below it drop their element
  float kept = 1;               // factor of the others
  const StepScalars* step = nullptr;
  const float* x = nullptr;
  float* y = nullptr;

  HEADRACE_HOST_DEVICE std::uint32_t blocks() const { return (elements + 3) / 4; }
  HEADRACE_HOST_DEVICE std::int64_t items() const { return rows * blocks(); }
  HEADRACE_HOST_DEVICE void operator()(std::uint32_t item) const {
    const std::uint32_t block = item % blocks();
    const std::int64_t row = item / blocks();
    const auto sample = static_cast<std::uint64_t>(step->global_first + row);
    const FourWords drawn = philox({{block, node, static_cast<std::uint32_t>(sample),
                                     static_cast<std::uint32_t>(sample >> 32)}},
                                   step->dropout_key[0], step->dropout_key[1]);
    for (std::uint32_t lane = 0; lane < 4 && 4 * block + lane < elements; ++lane) {
      const std::int64_t at = row * elements + 4 * block + lane;
      y[at] = x[at] * (drawn.word[lane] < threshold ? 0.0f : kept);
    }
  }
};

}  // namespace headrace::gpu
