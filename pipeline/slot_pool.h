#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "headrace/pipeline/batch.h"

namespace headrace {

// Memory of one batch: what a Sequence fills, then what a Batch leases. Made by SlotPool alone.
class Slot {
 public:
  // Which slot of its pool this is: 0, ..., slots - 1.
  int index() const { return index_; }
  // The first `count` rows. Requires count <= the pool's batch size.
  Rows rows(std::int64_t count) const { return Rows(*spec_, bases_, 0, count); }
  // What the batch in this slot is; to be said before it is leased.
  void describe(std::int64_t size, Position begin, Position end) {
    describe(size, begin, end, size);
  }
  void describe(std::int64_t size, Position begin, Position end, std::int64_t valid_rows) {
    size_ = size;
    valid_rows_ = valid_rows;
    begin_ = begin;
    end_ = end;
  }

 private:
  friend class SlotPool;
  friend class Batch;
  friend class DeviceFeed;

  int index_ = 0;
  bool leased_ = false;
  const BatchSpec* spec_ = nullptr;
  std::vector<std::byte*> bases_;  // null: made on a device
  std::int64_t size_ = 0;
  std::int64_t valid_rows_ = 0;
  Position begin_;
  Position end_;
  const DeviceRows* device_ = nullptr;
};

// A fixed number of batch slots, allocated once, used again and again. Leases (Batch) keep the
// pool's memory alive, so they may outlive the pool object itself. Thread-safe.
class SlotPool {
 public:
  // Slots of `batch_size` rows of `spec`, each field 64-byte aligned.
  // Throws Error{invalid_argument} if that is more memory than the address space has, or a count
  // or size is not positive; std::bad_alloc if memory is short. The memory is not cleared.
  // `memory` may give that memory, 64-byte aligned; where it is empty or gives null it is the
  // pool's own.
  using Memory = std::function<std::shared_ptr<std::byte>(std::size_t bytes)>;
  SlotPool(BatchSpec spec, std::int64_t batch_size, int slots, const Memory& memory = {});
  // The memory that such a pool has; throws as making it does.
  static std::size_t bytes_needed(const BatchSpec& spec, std::int64_t batch_size, int slots);
  ~SlotPool();
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  // A free slot to fill, or null if all are taken. Never waits.
  std::shared_ptr<Slot> try_take();
  // Called, from any thread, whenever a slot comes back, one call at a time. Set once, before the
  // first try_take(). It must not throw, nor give back a slot itself.
  void on_return(void (*notify)(void* context), void* context);
  // After this, on_return is not called any more, and no call to it is under way.
  void stop_notifying();

  // Turns a filled slot into the consumer's lease.
  // Requires a slot of this pool.
  Batch lease(std::shared_ptr<Slot> slot);

  int slots() const;
  int leased() const;         // slots that are held as a Batch
  std::size_t bytes() const;  // of all slots
  bool has_given_memory() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headrace
