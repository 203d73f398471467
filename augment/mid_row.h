#pragma once

#include <algorithm>
#include <cstddef>

#include "headrace/augment/axis.h"

namespace headrace {

// A row that was blended vertically, continued to the left and right of the image as far as the
// horizontal blend asks for. Pixels of `read` are computed, the rest of `range` is filled.
template <class T>
struct MidRow {
  T* memory = nullptr;
  IndexRange range;
  IndexRange read;
  int channels = 0;

  std::size_t elements() const { return static_cast<std::size_t>(width()) * channel_count(); }
  std::size_t read_elements() const {
    return static_cast<std::size_t>(read.last - read.first) * channel_count();
  }
  // Requires first <= index <= last of `range`.
  T* at(int index) const {
    return memory + static_cast<std::ptrdiff_t>(index - range.first) * channels;
  }

  void extend(const Axis& axis, T constant) const {
    for (int i = range.first; i < read.first; ++i) fill(i, axis, constant);
    for (int i = read.last; i < range.last; ++i) fill(i, axis, constant);
  }

 private:
  int width() const { return range.last - range.first; }
  std::size_t channel_count() const { return static_cast<std::size_t>(channels); }

  void fill(int index, const Axis& axis, T constant) const {
    const int source = fill_index(index, axis.source, axis.fill);
    if (source >= read.first && source < read.last) {
      std::copy_n(at(source), channels, at(index));
    } else {
      // The constant, or a pixel of the image that has no weight in any output.
      std::fill_n(at(index), channels, constant);
    }
  }
};

}  // namespace headrace
