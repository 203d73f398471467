#pragma once

#include <cstddef>

#include "headrace/pipeline/device.h"

namespace headrace {

// The rows of a batch on a GPU, where a Loader has brought them (LoaderOptions::device). They lie
// there as they crossed the bus; a consumer has each field made where it wants it, on its own
// stream, so that nothing waits on the host. As long-lived as its Batch.
//
//   if (const DeviceRows* rows = batch.device()) rows->deliver(k, {.data = input, ...}, stream);
class DeviceRows {
 public:
  virtual ~DeviceRows() = default;

  virtual Device& device() const = 0;

  // Gives `stream` work that writes all rows of field `index` to `to`, after they have arrived and
  // after what the stream was given before. Batch::spec() says what they are. The batch may be
  // destroyed as soon as this returns: its memory is used again only after this work.
  // Throws Error{invalid_argument} unless `to` has the bytes of these rows.
  virtual void deliver(std::size_t index, const DeviceTarget& to, Device::Stream stream) const = 0;

  // The bytes that deliver() writes: of batch.size() rows, as `to` says they shall lie.
  virtual std::size_t bytes(std::size_t index, const DeviceTarget& to) const = 0;
};

}  // namespace headrace
