#include "headrace/train/cpu/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace headrace::cpu {
namespace {

constexpr std::size_t cache_line = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;

std::size_t rounded_up(std::size_t bytes, std::size_t step) {
  return (bytes + step - 1) / step * step;
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  const bool is_large = bytes >= 4 * huge_page;
  const std::size_t boundary = is_large ? huge_page : cache_line;
  // Whole pages: what is asked for beyond the end of the block would be somebody else's.
  void* const block = std::aligned_alloc(boundary, rounded_up(bytes, boundary));
  if (block == nullptr) throw std::bad_alloc();
  if (is_large) ::madvise(block, rounded_up(bytes, boundary), MADV_HUGEPAGE);
  return block;
}

void release_aligned(void* block) noexcept { std::free(block); }

}  // namespace headrace::cpu
