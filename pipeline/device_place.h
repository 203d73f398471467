#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/device_handles.h"
#include "headrace/pipeline/device_rows.h"
#include "headrace/pipeline/device_stage.h"
#include "headrace/pipeline/slot_pool.h"

// What a DeviceFeed is made of (not installed).
namespace headrace {

// Waits, at most a minute, for what `event` marks. Throws Error{backend} after that, and
// Error{cancelled} as soon as `cancelled` is set; it may be null.
void wait_on_host(Device& device, Device::Event event, const std::atomic<bool>* cancelled);

class DeviceRing;

// A batch's place on the device.
class DevicePlace final : public DeviceRows {
 public:
  DevicePlace(DeviceRing& ring, std::int64_t batch_size);

  Device& device() const override;
  void deliver(std::size_t index, const DeviceTarget& to, Device::Stream stream) const override;
  std::size_t bytes(std::size_t index, const DeviceTarget& to) const override;

  // Has the batch copied here, after all that was delivered of the one before. It is held, and its
  // memory left alone, until retire(). After an error the place is of no more use.
  void send(Batch batch);
  bool has_arrived() const;
  // Waits until the batch has been copied, and lets go of it.
  void retire(const std::atomic<bool>* cancelled);
  // Waits for all that reads or writes the place. Only before it is destroyed.
  void wait_for_all() noexcept;
  bool is_broken() const { return broken_; }

  Slot slot;  // what a Batch leases; filled by the feed

 private:
  struct User {  // a stream to which work was given
    Device::Stream stream;
    DeviceEvent done;
    bool is_waited_for;  // by the copy stream
  };

  DeviceTarget resolved(std::size_t index, DeviceTarget to) const;
  void give_work(std::size_t index, const DeviceTarget& to, Device::Stream stream) const;
  void note_use(Device::Stream stream) const;

  DeviceRing& ring_;
  DeviceMemory memory_;
  std::vector<std::byte*> fields_;
  DeviceEvent arrived_;
  std::optional<Batch> host_;
  bool broken_ = false;
  mutable std::mutex mutex_;  // guards users_
  mutable std::vector<User> users_;
};

// The places of a feed, and what they have in common. Batches keep it alive.
class DeviceRing : public std::enable_shared_from_this<DeviceRing> {
 public:
  DeviceRing(std::shared_ptr<Device> device, const BatchSpec& spec,
             std::vector<std::optional<DeviceStage>> stages);
  // Waits for what is under way.
  ~DeviceRing();
  DeviceRing(const DeviceRing&) = delete;
  DeviceRing& operator=(const DeviceRing&) = delete;

  void make_places(int count, std::int64_t batch_size);
  void upload_constants();
  std::byte* make_resident(std::size_t bytes);
  void copy_and_wait(std::byte* to, const std::byte* from, std::size_t bytes);

  // A free place, the one that was used longest ago; null if there is none.
  std::shared_ptr<DevicePlace> take();
  // Counts it as held by the consumer.
  void lease(DevicePlace& place);
  int leased() const;

  Device& device() const { return *device_; }
  const std::shared_ptr<Device>& shared_device() const { return device_; }
  Device::Stream copies() const { return copies_.get(); }
  const BatchSpec& wire_spec() const { return wire_spec_; }  // as it crosses the bus
  const BatchSpec& spec() const { return spec_; }
  const std::vector<std::optional<DeviceStage>>& stages() const { return stages_; }
  const float* scales(std::size_t index) const { return constants_[index].scales; }
  const float* offsets(std::size_t index) const { return constants_[index].offsets; }
  const std::byte* resident() const { return resident_.get(); }
  void count_bytes(std::size_t bytes) { bytes_ += bytes; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Constants {
    DeviceMemory memory;
    const float* scales = nullptr;
    const float* offsets = nullptr;
  };
  void give_back(DevicePlace* place) noexcept;

  std::shared_ptr<Device> device_;
  BatchSpec wire_spec_;
  BatchSpec spec_;
  std::vector<std::optional<DeviceStage>> stages_;
  std::vector<Constants> constants_;
  DeviceMemory resident_;
  DeviceStream copies_;
  DeviceEvent copied_;
  std::size_t bytes_ = 0;
  std::vector<std::unique_ptr<DevicePlace>> places_;
  mutable std::mutex mutex_;        // guards what follows
  std::vector<DevicePlace*> free_;  // longest first
  std::vector<const DevicePlace*> leased_;
};

}  // namespace headrace
