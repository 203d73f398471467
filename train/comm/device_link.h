#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace headrace {

// How values that lie on devices are added up over processes without the host: what NCCL or another
// library must give. Not installed. Used by one thread. Calls never wait for other processes, and
// throw std::exception.
class DeviceLink {
 public:
  using Request = std::size_t;

  virtual ~DeviceLink() = default;
  // Which device of which machine this is: no two ranks may have the same.
  virtual std::string device() const = 0;

  // What processes find each other by; one makes it for all. At most 200 bytes.
  virtual std::string make_id() = 0;
  virtual void join(const std::string& id, int rank, int ranks) = 0;
  virtual bool is_joined() = 0;

  // Whether they lie on this device.
  virtual bool holds(const float* values) const = 0;
  // Adds up in place over all ranks, after what is queued on the device by now.
  virtual Request add_up(std::span<float> values) = 0;
  // Also makes progress.
  virtual bool done(Request request) = 0;

  // Ends what is under way; nothing but the end may follow.
  virtual void abort() noexcept = 0;
};

}  // namespace headrace
