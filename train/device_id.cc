#include "headrace/train/device_id.h"

#include <charconv>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr int devices_of_a_kind = 64;  // threads, not machines, are what they are for

}  // namespace

std::string to_string(const DeviceId& device) {
  return (device.kind == DeviceKind::cpu ? "cpu:" : "gpu:") + std::to_string(device.number);
}

DeviceId parse_device_id(std::string_view text) {
  DeviceId device;
  const std::string_view kind = text.substr(0, 4);
  const char* const first = text.data() + kind.size();
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, device.number);
  const bool is_number = error == std::errc() && end == last && first != last && *first != '-';
  if ((kind != "cpu:" && kind != "gpu:") || !is_number || device.number >= devices_of_a_kind) {
    throw Error(ErrorCode::invalid_argument, "there is no device '" + std::string(text) +
                                                 "': write cpu:0 or gpu:0, numbers to " +
                                                 std::to_string(devices_of_a_kind - 1));
  }
  device.kind = kind == "cpu:" ? DeviceKind::cpu : DeviceKind::gpu;
  return device;
}

}  // namespace headrace
