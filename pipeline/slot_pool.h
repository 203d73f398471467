#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "headrace/pipeline/batch.h"

namespace headrace {

// A fixed number of batch slots, allocated once, used again and again. Leases (Batch) keep the
// pool's memory alive, so they may outlive the pool object itself. Thread-safe.
class SlotPool {
 public:
  // Slots of `batch_size` rows of `spec`, each field 64-byte aligned.
  // Throws Error{invalid_argument} if that is more memory than the address space has, or a count
  // or size is not positive; std::bad_alloc if memory is short.
  SlotPool(BatchSpec spec, std::int64_t batch_size, int slots);
  ~SlotPool();
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  // A free slot to fill, or null if all are taken. Never waits.
  std::shared_ptr<Slot> try_take();
  // Called, from any thread, whenever a slot comes back. Set once, before the first try_take().
  void on_return(void (*notify)(void* context), void* context);
  // After this, on_return is not called any more, and no call to it is under way.
  void stop_notifying();

  // Turns a filled slot into the consumer's lease.
  static Batch lease(std::shared_ptr<Slot> slot);

  int slots() const;
  std::size_t bytes() const;  // of all slots

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headrace
