#include "headrace/pipeline/rng.h"

#include <cassert>
#include <cmath>

namespace headrace {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint32_t low_word(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high_word(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

constexpr double two_pi = 6.283185307179586476925286766559;

// The C library's log and cos may differ in the last bit from one processor to another (it picks
// variants with fused multiplication at run time). Draws must not, so these use nothing but
// operations that IEEE 754 rounds exactly. Both are good to about 1e-15.

// Requires x > 0.
double portable_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // [0.5, 1)
  if (mantissa < 0.70710678118654752440) {
    mantissa *= 2;
    --exponent;
  }
  // log m = 2 atanh((m - 1) / (m + 1)), with |s| below 0.172.
  const double s = (mantissa - 1) / (mantissa + 1);
  const double s2 = s * s;
  double series = 0;
  for (int k = 23; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return exponent * 0.69314718055994530942 + 2 * s * series;
}

// cos(2 pi turns), for turns in [0, 1).
double portable_cos_turns(double turns) {
  const int quarter = static_cast<int>(std::lround(turns * 4));
  const double angle = (turns - quarter * 0.25) * two_pi;  // within an eighth of a turn
  const double a2 = angle * angle;
  const bool sine = quarter % 2 != 0;
  double series = 0;
  for (int k = 16; k >= 0; k -= 2) {
    const int n = sine ? k + 1 : k;
    series = 1 - series * a2 / ((n + 1.0) * (n + 2.0));
  }
  if (sine) series *= angle;
  // cos(q + a): q = 0: cos a, 1: -sin a, 2: -cos a, 3: sin a.
  return quarter % 4 == 1 || quarter % 4 == 2 ? -series : series;
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {high_word(product1) ^ counter[1] ^ key[0], low_word(product1),
               high_word(product0) ^ counter[3] ^ key[1], low_word(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

Rng::Rng(std::uint64_t seed, std::uint64_t epoch) : seed_(seed), epoch_(epoch) {
  const auto derived = philox4x32({low_word(epoch), high_word(epoch), stream_id("epoch"), 0},
                                  {low_word(seed), high_word(seed)});
  key_ = {derived[0], derived[1]};
  // No sample has this index: the epoch's own stream is not that of its first sample.
  counter_ = {0, 0, 0xFFFFFFFFu, 0xFFFFFFFFu};
}

Rng Rng::for_epoch(std::uint64_t epoch) const {
  Rng moved(seed_, epoch);
  moved.counter_ = {0, counter_[1], counter_[2], counter_[3]};
  return moved;
}

Rng Rng::for_sample(std::uint64_t sample_index) const {
  Rng narrowed;
  narrowed.seed_ = seed_;
  narrowed.epoch_ = epoch_;
  narrowed.key_ = key_;
  narrowed.counter_ = {0, 0, low_word(sample_index), high_word(sample_index)};
  return narrowed;
}

Rng Rng::for_operation(std::uint32_t operation) const {
  Rng narrowed;
  narrowed.seed_ = seed_;
  narrowed.epoch_ = epoch_;
  narrowed.key_ = key_;
  narrowed.counter_ = {0, operation, counter_[2], counter_[3]};
  return narrowed;
}

std::uint32_t Rng::next_u32() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Rng::next_u64() {
  const std::uint64_t low = next_u32();
  return low | std::uint64_t{next_u32()} << 32;
}

double Rng::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }

// Lemire, "Fast random integer generation in an interval", TOMACS 2019.
std::uint64_t Rng::below(std::uint64_t count) {
  assert(count > 0);
  Wide product = Wide{next_u64()} * count;
  if (static_cast<std::uint64_t>(product) < count) {
    const std::uint64_t threshold = (0 - count) % count;
    while (static_cast<std::uint64_t>(product) < threshold) product = Wide{next_u64()} * count;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Rng::normal() {
  const double radius = std::sqrt(-2 * portable_log(1 - uniform()));  // (0, 1]: log is finite
  return radius * portable_cos_turns(uniform());
}

}  // namespace headrace
