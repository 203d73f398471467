#pragma once

#include <immintrin.h>

#define HEADRACE_AVX2 __attribute__((target("avx2")))

// 16-bit numbers in vectors, and sums of their products. For x86-64 alone.
namespace headrace::baseline::avx2 {

HEADRACE_AVX2 inline __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

HEADRACE_AVX2 inline __m128i load_half(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

// One in the low half, the other in the high one.
HEADRACE_AVX2 inline __m256i load_halves(const void* low, const void* high) {
  return _mm256_set_m128i(load_half(high), load_half(low));
}

HEADRACE_AVX2 inline __m256i factors(int a, int b) {
  return _mm256_set1_epi32(
      static_cast<int>(static_cast<unsigned>(b) << 16 | (static_cast<unsigned>(a) & 0xFFFF)));
}

// Sums of 32 bits, in the halves that unpacking makes; packing brings them back in order.
struct Wide {
  __m256i low;
  __m256i high;
};

HEADRACE_AVX2 inline Wide interleave(__m256i a, __m256i b) {
  return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

// a p + b q of interleaved a and b.
HEADRACE_AVX2 inline Wide weigh(const Wide& ab, int p, int q) {
  const __m256i pq = factors(p, q);
  return {_mm256_madd_epi16(ab.low, pq), _mm256_madd_epi16(ab.high, pq)};
}

HEADRACE_AVX2 inline __m256i weigh(__m256i ab, int p, int q) {
  return _mm256_madd_epi16(ab, factors(p, q));
}

HEADRACE_AVX2 inline Wide operator+(const Wide& a, const Wide& b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

HEADRACE_AVX2 inline Wide operator-(const Wide& a, const Wide& b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

// What makes a shift round to the nearest.
template <int shift>
HEADRACE_AVX2 inline Wide add_half(const Wide& wide) {
  const __m256i half = _mm256_set1_epi32(1 << (shift - 1));
  return {_mm256_add_epi32(wide.low, half), _mm256_add_epi32(wide.high, half)};
}

template <int shift>
HEADRACE_AVX2 inline __m256i shift_off(const Wide& wide) {
  return _mm256_packs_epi32(_mm256_srai_epi32(wide.low, shift),
                            _mm256_srai_epi32(wide.high, shift));
}

}  // namespace headrace::baseline::avx2
