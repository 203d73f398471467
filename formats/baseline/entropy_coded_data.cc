#include "headrace/formats/baseline/entropy_coded_data.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstring>

#include "headrace/formats/baseline/switches.h"

namespace headrace::baseline {
namespace {

// Copies the bytes before the next 0xFF, or all, and goes on behind them. May write 16 bytes
// beyond.
void copy_to_marker(const unsigned char*& from, const unsigned char* end, std::uint8_t*& to) {
#if defined(__SSE2__)
  // They are few between two: a call for each piece would take longer than its bytes do.
  constexpr std::ptrdiff_t vector = sizeof(__m128i);
  const __m128i ones = _mm_set1_epi8(-1);
  for (; end - from >= vector; from += vector, to += vector) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, ones)));
    if (found == 0) continue;
    from += std::countr_zero(found);
    to += std::countr_zero(found);
    return;
  }
#endif
  const auto rest = static_cast<std::size_t>(end - from);
  const void* const found = rest == 0 ? nullptr : std::memchr(from, 0xFF, rest);
  const std::size_t length =
      found == nullptr ? rest
                       : static_cast<std::size_t>(static_cast<const unsigned char*>(found) - from);
  if (length != 0) std::memcpy(to, from, length);
  from += length;
  to += length;
}

}  // namespace

void EntropyCodedData::take(std::span<const std::byte> scan, bool restarts, std::uint64_t most) {
  constexpr unsigned char first_restart_marker = 0xD0;
  if (bytes_.size() < scan.size() + padding) bytes_.resize(scan.size() + padding);
  segments_.clear();
  const auto* from = reinterpret_cast<const unsigned char*>(scan.data());
  const unsigned char* const end = from + scan.size();
  std::uint8_t* to = bytes_.data();
  std::uint64_t begin = 0;
  const auto taken = [&] { return static_cast<std::uint64_t>(to - bytes_.data()); };
  const auto close_segment = [&] {
    segments_.push_back({begin, taken() * 8});
    begin = taken() * 8;
  };
  while (from != end && taken() < most) {
    copy_to_marker(from, end, to);
    if (end - from < 2) break;
    if (from[1] == 0) {
      *to++ = 0xFF;
    } else if (restarts && from[1] == first_restart_marker + segments_.size() % 8) {
      close_segment();
    } else {
      break;
    }
    from += 2;
  }
  close_segment();
  if (!trusts_files) std::memset(to, 0, padding);
}

}  // namespace headrace::baseline
