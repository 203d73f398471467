#include "headrace/pipeline/epoch_order.h"

#include <algorithm>
#include <cassert>
#include <string>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/rng.h"

namespace headrace {

EpochOrder::EpochOrder(std::int64_t size, Shuffle shuffle, std::uint64_t seed, std::uint64_t epoch,
                       BlockShuffle blocks)
    : size_(size), shuffle_(size < 2 ? Shuffle::none : shuffle) {
  if (size < 0) {
    throw Error(ErrorCode::invalid_argument,
                "an epoch of " + std::to_string(size) + " samples: the size must not be negative");
  }
  if (shuffle == Shuffle::blocks && (blocks.samples < 1 || blocks.window < 1)) {
    throw Error(ErrorCode::invalid_argument, "a shuffle of " + std::to_string(blocks.window) +
                                                 " blocks of " + std::to_string(blocks.samples) +
                                                 " samples: both must be positive");
  }
  if (shuffle_ == Shuffle::none) return;
  std::int64_t permuted = size;
  if (shuffle_ == Shuffle::blocks) {
    block_ = std::min(blocks.samples, size);
    places_ = (size - 1) / block_ + 1;
    window_ = std::min(blocks.window, places_);
    permuted = places_;
  }
  permutation_ = {permuted, Rng(seed, epoch).for_operation(stream_id("epoch_order"))};
  if (shuffle_ == Shuffle::blocks) {
    short_place_ = permutation_.inverse(places_ - 1);
    short_missing_ = block_ - 1 - (size - 1) % block_;
  }
}

// The first position of the block that comes at a place, before windows are shuffled.
std::int64_t EpochOrder::first_of_place(std::int64_t place) const {
  if (place == places_) return size_;
  return place * block_ - (place > short_place_ ? short_missing_ : 0);
}

// Where the block is that holds a position, before windows are shuffled.
std::int64_t EpochOrder::place_of(std::int64_t blockwise) const {
  const std::int64_t place = blockwise / block_;
  if (place < short_place_ || blockwise < first_of_place(short_place_ + 1)) {
    return place;
  }
  return place + (blockwise % block_ >= block_ - short_missing_ ? 1 : 0);
}

EpochOrder::Window EpochOrder::window_of_place(std::int64_t place) const {
  const std::int64_t number = place / window_;
  const std::int64_t begin = number * window_;
  const std::int64_t first = first_of_place(begin);
  const std::int64_t end = first_of_place(begin + std::min(window_, places_ - begin));
  return {first, permutation_.derived(end - first, static_cast<std::uint64_t>(number))};
}

std::int64_t EpochOrder::index_at(std::int64_t position) const {
  assert(position >= 0 && position < size_);
  if (shuffle_ == Shuffle::none) return position;
  if (shuffle_ == Shuffle::full) return permutation_.at(position);
  // Shuffling within windows moves no sample to another window.
  const Window window = window_of_place(place_of(position));
  const std::int64_t blockwise = window.first + window.permutation.at(position - window.first);
  const std::int64_t place = place_of(blockwise);
  return permutation_.at(place) * block_ + (blockwise - first_of_place(place));
}

std::int64_t EpochOrder::position_of(std::int64_t index) const {
  assert(index >= 0 && index < size_);
  if (shuffle_ == Shuffle::none) return index;
  if (shuffle_ == Shuffle::full) return permutation_.inverse(index);
  const std::int64_t place = permutation_.inverse(index / block_);
  const Window window = window_of_place(place);
  const std::int64_t blockwise = first_of_place(place) + index % block_;
  return window.first + window.permutation.inverse(blockwise - window.first);
}

}  // namespace headrace
