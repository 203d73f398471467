#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/pipeline/device_stage.h"

namespace headrace {

// For sequences whose rows cross the bus in another form than batches have: what a GPU makes of
// them. Found by Sequence::device_source(). Thread-safe.
class DeviceSource {
 public:
  virtual ~DeviceSource() = default;

  // Of field `index`; null if it crosses as it is.
  virtual const DeviceStage* stage(std::size_t index) const = 0;

  // For DeviceWork::gather: how many images there are, and those from `first` on, stage->source
  // each, u8, one after the other.
  virtual std::int64_t images() const { return 0; }
  virtual void read_images(std::int64_t first, std::int64_t count, std::byte* to) const {
    static_cast<void>(first), static_cast<void>(count), static_cast<void>(to);
  }
};

}  // namespace headrace
