#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace headrace {

enum class DeviceKind : std::uint8_t { cpu, gpu };

// Who computes a part of a model, as "cpu:1" or "gpu:0". Of CPUs the number only tells several
// apart: each is a team of threads of its own on the same cores. Of GPUs it is CUDA's.
struct DeviceId {
  DeviceKind kind = DeviceKind::cpu;
  int number = 0;

  friend auto operator<=>(const DeviceId&, const DeviceId&) = default;
};

std::string to_string(const DeviceId& device);
// Throws Error{invalid_argument} saying how a device is written. CPUs are numbered up to 63.
DeviceId parse_device_id(std::string_view text);

}  // namespace headrace
