#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace headrace {

// The Philox 4x32-10 block function: 128 random bits from a 128-bit counter and a 64-bit key.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11; agrees
// with the authors' Random123 vectors.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// A stable number for an operation's name, to key its stream of draws (FNV-1a, 32 bits).
constexpr std::uint32_t stream_id(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

// A stream of random numbers that is a pure function of its key. A value type with no hidden
// state: two generators with equal keys give equal draws, on any thread, in any order, for ever.
class Rng {
 public:
  // The stream of one seed and epoch; `for_sample` and `for_operation` narrow it.
  Rng(std::uint64_t seed, std::uint64_t epoch);

  std::uint64_t epoch() const { return epoch_; }
  // What this stream is in another epoch, of the same seed, sample and operation. Fresh.
  Rng for_epoch(std::uint64_t epoch) const;
  // The stream of one sample. Fresh: draws made before do not matter.
  Rng for_sample(std::uint64_t sample_index) const;
  // The stream of one operation on it, so that an operation added to a recipe leaves the draws of
  // all others as they were.
  Rng for_operation(std::uint32_t operation) const;

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  // Uniform in [0, 1), 53 random bits.
  double uniform();
  // Uniform in [low, high), or low if they are equal. Requires low <= high.
  double uniform(double low, double high) {
    const double value = low + (high - low) * uniform();
    return value < high ? value : low;  // rounding may reach high
  }
  // Uniform in {0, ..., count - 1}, without bias. Requires count > 0.
  std::uint64_t below(std::uint64_t count);
  bool chance(double probability) { return uniform() < probability; }
  // Standard normal (Box-Muller), the same to the last bit on every machine.
  double normal();

 private:
  Rng() = default;

  std::uint64_t seed_ = 0;
  std::uint64_t epoch_ = 0;
  std::array<std::uint32_t, 2> key_{};      // of (seed, epoch)
  std::array<std::uint32_t, 4> counter_{};  // block, operation, sample (low, high)
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace headrace
