#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "headrace/pipeline/image.h"

namespace headrace {

struct DeviceStage;

// How a field's rows are to lie in memory that a consumer gives.
struct DeviceTarget {
  std::byte* data = nullptr;
  std::size_t bytes = 0;
  // Which rows of the batch; absent: all from there on.
  std::int64_t first = 0;
  std::optional<std::int64_t> rows = {};
  // Of f32 fields, and images that a device makes of levels, another type than the field's: f32,
  // f16 or bf16 (the f32 value, rounded once); and how many channels apart pixels lie, for images
  // that are interleaved (those beyond the image's own become 0). Absent: as the field says.
  std::optional<ElementType> type = {};
  int channel_pitch = 0;
};

// One launch of what makes rows of an image field of the bytes that crossed the bus. Addresses are
// the device's.
struct DeviceRender {
  const DeviceStage* stage = nullptr;   // on the host
  const float* scales = nullptr;        // stage->scales, on the device
  const float* offsets = nullptr;       // stage->offsets
  const std::byte* resident = nullptr;  // all images, for DeviceWork::gather
  const std::byte* rows = nullptr;      // as they crossed the bus
  std::size_t row_bytes = 0;
  std::int64_t count = 0;  // rows
  DeviceTarget target;     // with type and pitch
};

// What a feed needs of a GPU. Streams and events are the CUDA runtime's (cudaStream_t,
// cudaEvent_t), or those of whoever stands in for it in a test. Calls do not wait, but for those
// that say so. From any thread; work given to one stream is done in its order. All throw
// Error{backend} with the runtime's words, or Error{exhausted}.
class Device {
 public:
  using Stream = void*;
  using Event = void*;

  virtual ~Device() = default;
  virtual std::string name() const = 0;  // "NVIDIA H200"
  virtual int index() const = 0;         // among those that this process sees

  // Memory of the device; it says what is free where it is not enough. May wait for all work.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  virtual void deallocate(std::byte* memory) noexcept = 0;
  // Memory of the host that the device copies from by itself. Null if the system gives none.
  virtual std::byte* allocate_pinned(std::size_t bytes) = 0;
  virtual void deallocate_pinned(std::byte* memory) noexcept = 0;

  virtual Stream make_stream() = 0;
  virtual void destroy_stream(Stream stream) noexcept = 0;
  virtual Event make_event() = 0;
  virtual void destroy_event(Event event) noexcept = 0;

  // The host's memory must stay as it is until that is done.
  virtual void copy_to_device(std::byte* to, const std::byte* from, std::size_t bytes,
                              Stream stream) = 0;
  virtual void copy_to_host(std::byte* to, const std::byte* from, std::size_t bytes,
                            Stream stream) = 0;
  virtual void copy_on_device(std::byte* to, const std::byte* from, std::size_t bytes,
                              Stream stream) = 0;
  virtual void render(const DeviceRender& render, Stream stream) = 0;

  // The event comes to be when all that `stream` was given before is done.
  virtual void record(Event event, Stream stream) = 0;
  // What `stream` is given from now on begins after the event, as it was last recorded.
  virtual void wait(Stream stream, Event event) = 0;
  // Whether it has come to be; true for one that was never recorded.
  virtual bool is_done(Event event) = 0;
};

// GPU number `index` of those that this process sees (CUDA_VISIBLE_DEVICES), opened on first use.
// Throws Error{unsupported} if Headrace was built without CUDA, its plugin is missing, there is no
// driver or one that is too old, or no such GPU: each in one line that says what to do.
std::shared_ptr<Device> open_gpu(int index = 0);

}  // namespace headrace
