#pragma once

#include <cstddef>
#include <memory>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/device.h"

struct DLManagedTensor;  // of dlpack.h

namespace headrace {

// A field of a batch as DLPack's tensor, which the frameworks of Python take without a copy
// (from_dlpack). The tensor keeps the batch leased: the consumer calls its deleter when it is done,
// on any thread. Row by row, without gaps; the first extent is the number of rows.
//
// On the host: memory of the batch itself. Throws Error{invalid_argument} if the field lies on a
// GPU alone.
DLManagedTensor* to_dlpack(std::shared_ptr<const Batch> batch, std::size_t field);

// On the GPU, in memory of the tensor's own: `stream` is the consumer's, as DLPack's Python
// protocol hands it over (__dlpack__(stream)), and is given the work that writes the tensor. What
// the consumer gives it afterwards finds the values there; the host waits for nothing.
// Throws Error{invalid_argument} if the batch is not on a GPU, and as DeviceRows::deliver().
DLManagedTensor* to_dlpack(std::shared_ptr<const Batch> batch, std::size_t field,
                           Device::Stream stream);

}  // namespace headrace
