#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "headrace/pipeline/device.h"

namespace headrace {

// What a Device hands out, each owned once, with the device it is of (not installed).
template <class Handle, void (Device::*destroy)(Handle) noexcept>
class OwnedByDevice {
 public:
  OwnedByDevice() = default;
  OwnedByDevice(std::shared_ptr<Device> device, Handle handle)
      : device_(std::move(device)), handle_(handle) {}
  OwnedByDevice(OwnedByDevice&& other) noexcept
      : device_(std::move(other.device_)), handle_(std::exchange(other.handle_, nullptr)) {}
  OwnedByDevice& operator=(OwnedByDevice&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~OwnedByDevice() {
    if (handle_ != nullptr) ((*device_).*destroy)(handle_);
  }

  Handle get() const { return handle_; }

 private:
  std::shared_ptr<Device> device_;
  Handle handle_ = nullptr;
};

using DeviceMemory = OwnedByDevice<std::byte*, &Device::deallocate>;
using DeviceStream = OwnedByDevice<Device::Stream, &Device::destroy_stream>;
using DeviceEvent = OwnedByDevice<Device::Event, &Device::destroy_event>;

inline DeviceMemory make_memory(const std::shared_ptr<Device>& device, std::size_t bytes) {
  if (bytes == 0) return {};
  return {device, device->allocate(bytes)};
}
inline DeviceStream make_stream(const std::shared_ptr<Device>& device) {
  return {device, device->make_stream()};
}
inline DeviceEvent make_event(const std::shared_ptr<Device>& device) {
  return {device, device->make_event()};
}

}  // namespace headrace
