#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace headrace::cpu {

// Memory on a 64-byte boundary, for release_aligned(). Large blocks are on huge pages where the
// kernel has them: a step walks through arenas of many megabytes, and spares itself their page
// tables. Throws std::bad_alloc.
void* allocate_aligned(std::size_t bytes);
void release_aligned(void* block) noexcept;

// Memory by allocate_aligned(), zero at first.
template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_(size == 0 ? nullptr : static_cast<T*>(allocate_aligned(size * sizeof(T)))),
        size_(size) {
    std::fill_n(data_.get(), size, T{});
  }

  T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  std::span<T> span() const { return {data_.get(), size_}; }

 private:
  struct Delete {
    void operator()(T* data) const { release_aligned(data); }
  };
  std::unique_ptr<T[], Delete> data_;
  std::size_t size_ = 0;
};

}  // namespace headrace::cpu
