#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "headrace/pipeline/batch.h"
#include "headrace/pipeline/device.h"
#include "headrace/pipeline/device_place.h"
#include "headrace/pipeline/device_source.h"

namespace headrace {

struct DeviceFeedOptions {
  std::int64_t batch_size = 0;  // rows of a batch, at most
  int leases = 2;               // batches that the consumer may hold at the same time
  int ahead = 2;                // batches that lie on the device before they are asked for
};

// Brings a loader's batches to a device, some of them ahead of the consumer (not installed; Loader
// has one where LoaderOptions::device says so).
//
//   slot of the loader ──copy stream──► place on the device ──consumer's stream──► its own memory
//         │ until `arrived`                    │ until all that `deliver` gave to streams
//         ▼                                    ▼
//      goes back                           is used again
//
// Nothing waits on the host but for slots that are still being copied when their place is wanted
// again. Used by one thread at a time; cancel() from any. Batches may outlive it.
class DeviceFeed {
 public:
  // Where batches come from.
  struct Source {
    // As Loader::next(). The feed holds as many batches as it has places.
    std::function<std::optional<Batch>()> next;
    // Whether next() would return, or throw, without waiting, and is not at the end for good.
    std::function<bool()> is_ready;
    // Where it stands after the last call of next().
    std::function<Position()> position;
  };

  // Takes memory of the device: places, and what stages need. `source` may be null: all fields
  // then cross as they are. Throws Error as Device does.
  DeviceFeed(std::shared_ptr<Device> device, const BatchSpec& spec, const DeviceSource* source,
             Source batches, const DeviceFeedOptions& options);
  ~DeviceFeed();
  DeviceFeed(const DeviceFeed&) = delete;
  DeviceFeed& operator=(const DeviceFeed&) = delete;

  // Places that a feed has: batches that it may hold of its source.
  static int places(const DeviceFeedOptions& options) { return options.leases + options.ahead; }

  // As Loader::next(), for batches on the device.
  std::optional<Batch> next();
  // Where the stream goes on after what next() last returned or threw.
  Position position() const { return position_; }
  // Gives up what was fetched ahead: the source was moved.
  void restart();
  void cancel() noexcept { cancelled_ = true; }

  // What batches hold: of fields that the device makes, what it makes.
  const BatchSpec& spec() const;
  std::size_t device_bytes() const;
  // For people: "4 batches of 1.6 MB on NVIDIA H200; images: ...".
  std::string text() const;

 private:
  struct Waiting {  // a batch, an error, or neither: the end of an epoch
    std::shared_ptr<DevicePlace> place;
    std::exception_ptr error;
    Position after = {};
  };

  void fetch();
  void send(DevicePlace& place, Batch batch);
  void upload_images(const DeviceStage& stage);

  std::shared_ptr<DeviceRing> ring_;
  const DeviceSource* source_;
  Source batches_;
  DeviceFeedOptions options_;
  std::deque<Waiting> waiting_;
  Position position_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace headrace
