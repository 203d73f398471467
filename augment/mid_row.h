#pragma once

#include <algorithm>
#include <cstddef>

#include "headrace/augment/axis.h"

namespace headrace {

// Rows that were blended vertically, continued to the left and right of the image as far as the
// horizontal blend asks for. Pixels of `read` are computed, the rest of `range` is filled.
template <class T>
struct MidRows {
  T* memory = nullptr;
  IndexRange range;
  IndexRange read;
  int channels = 0;

  // Of one row: where the next begins.
  std::size_t elements() const { return static_cast<std::size_t>(width()) * channel_count(); }
  std::size_t read_elements() const {
    return static_cast<std::size_t>(read.last - read.first) * channel_count();
  }
  // Requires first <= index <= last of `range`.
  T* at(int index, int row = 0) const {
    return memory + static_cast<std::size_t>(row) * elements() +
           static_cast<std::ptrdiff_t>(index - range.first) * channels;
  }

  void extend(const Axis& axis, T constant, int rows = 1) const {
    for (int i = range.first; i < read.first; ++i) fill(i, axis, constant, rows);
    for (int i = read.last; i < range.last; ++i) fill(i, axis, constant, rows);
  }

 private:
  int width() const { return range.last - range.first; }
  std::size_t channel_count() const { return static_cast<std::size_t>(channels); }

  void fill(int index, const Axis& axis, T constant, int rows) const {
    const int source = fill_index(index, axis.source, axis.fill);
    if (source < read.first || source >= read.last) {
      // The constant, or a pixel of the image that has no weight in any output.
      for (int y = 0; y < rows; ++y) std::fill_n(at(index, y), channels, constant);
    } else if (channels == 3) {
      copy<3>(at(source), at(index), rows);
    } else if (channels == 1) {
      copy<1>(at(source), at(index), rows);
    } else {
      for (int y = 0; y < rows; ++y) std::copy_n(at(source, y), channels, at(index, y));
    }
  }

  // A pixel of each row; of so few values that calls would cost more than the copies.
  template <int count>
  void copy(const T* from, T* to, int rows) const {
    const std::size_t pitch = elements();
    for (int y = 0; y < rows; ++y, from += pitch, to += pitch) {
      for (int c = 0; c < count; ++c) to[c] = from[c];
    }
  }
};

}  // namespace headrace
