#include "headrace/pipeline/slot_pool.h"

#include <cassert>
#include <limits>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t alignment = 64;

struct AlignedDelete {
  void operator()(std::byte* bytes) const noexcept {
    ::operator delete (bytes, std::align_val_t{alignment});
  }
};

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, what);
}

// a * b, where an address must still reach it.
std::size_t checked_product(std::size_t a, std::size_t b) {
  std::size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) ||
      product > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 2) {
    refuse(
        "a batch needs more memory than there can be: make the batch size, the number of "
        "batches made ahead, or the images smaller");
  }
  return product;
}

// Bytes of `rows` rows of a field, up to the next field's start.
std::size_t padded_bytes(const FieldSpec& field, std::int64_t rows) {
  std::size_t bytes = checked_product(static_cast<std::size_t>(rows), size_of(field.type));
  for (const std::int64_t extent : field.shape) {
    if (extent <= 0) {
      refuse("field \"" + field.name + "\" of a batch has an extent of " + std::to_string(extent) +
             ": every extent must be positive");
    }
    bytes = checked_product(bytes, static_cast<std::size_t>(extent));
  }
  return (bytes + alignment - 1) / alignment * alignment;
}

}  // namespace

struct SlotPool::State {
  BatchSpec spec;
  std::shared_ptr<std::byte> memory;
  bool is_given = false;
  std::size_t bytes = 0;
  std::vector<Slot> slots;

  mutable std::mutex mutex;  // guards the two below
  std::vector<Slot*> free;   // never grows beyond its first capacity
  int leased = 0;

  std::mutex notify_mutex;  // held while notify runs
  void (*notify)(void*) = nullptr;
  void* context = nullptr;

  void give_back(Slot* slot) noexcept {
    {
      const std::lock_guard lock(mutex);
      if (slot->leased_) --leased;
      slot->leased_ = false;
      free.push_back(slot);
    }
    const std::lock_guard lock(notify_mutex);
    if (notify != nullptr) notify(context);
  }
};

std::size_t SlotPool::bytes_needed(const BatchSpec& spec, std::int64_t batch_size, int slots) {
  if (batch_size <= 0) {
    refuse("a batch size of " + std::to_string(batch_size) + ": it must be positive");
  }
  if (slots <= 0) refuse("a pool of " + std::to_string(slots) + " batches: it needs at least one");
  if (spec.fields.empty()) refuse("a batch without fields: a sequence must name at least one");
  std::size_t slot_bytes = 0;
  for (const FieldSpec& field : spec.fields) {
    slot_bytes += padded_bytes(field, batch_size);  // below 2^63: each is below 2^62 + 64
    checked_product(slot_bytes, 1);
  }
  return checked_product(slot_bytes, static_cast<std::size_t>(slots));
}

SlotPool::SlotPool(BatchSpec spec, std::int64_t batch_size, int slots, const Memory& memory)
    : state_(std::make_shared<State>()) {
  state_->bytes = bytes_needed(spec, batch_size, slots);
  state_->spec = std::move(spec);
  std::vector<std::size_t> offsets;
  std::size_t slot_bytes = 0;
  for (const FieldSpec& field : state_->spec.fields) {
    offsets.push_back(slot_bytes);
    slot_bytes += padded_bytes(field, batch_size);
  }
  const auto count = static_cast<std::size_t>(slots);
  if (memory) state_->memory = memory(state_->bytes);
  state_->is_given = state_->memory != nullptr;
  if (!state_->is_given) {
    state_->memory.reset(
        static_cast<std::byte*>(::operator new (state_->bytes, std::align_val_t{alignment})),
        AlignedDelete{});
  }

  state_->slots.resize(count);
  state_->free.reserve(count);
  for (std::size_t i = count; i-- > 0;) {
    Slot& slot = state_->slots[i];
    slot.index_ = static_cast<int>(i);
    slot.spec_ = &state_->spec;
    for (const std::size_t offset : offsets) {
      slot.bases_.push_back(state_->memory.get() + i * slot_bytes + offset);
    }
    state_->free.push_back(&slot);
  }
}

SlotPool::~SlotPool() { stop_notifying(); }

std::shared_ptr<Slot> SlotPool::try_take() {
  Slot* slot = nullptr;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->free.empty()) return nullptr;
    slot = state_->free.back();
    state_->free.pop_back();
  }
  // The deleter owns the memory too: a lease outlives the pool. It runs if this throws as well.
  return {slot, [state = state_](Slot* used) { state->give_back(used); }};
}

void SlotPool::on_return(void (*notify)(void* context), void* context) {
  const std::lock_guard lock(state_->notify_mutex);
  state_->notify = notify;
  state_->context = context;
}

void SlotPool::stop_notifying() { on_return(nullptr, nullptr); }

Batch SlotPool::lease(std::shared_ptr<Slot> slot) {
  assert(slot != nullptr && slot->spec_ == &state_->spec && !slot->leased_);
  {
    const std::lock_guard lock(state_->mutex);
    slot->leased_ = true;
    ++state_->leased;
  }
  return Batch(std::move(slot));
}

int SlotPool::slots() const { return static_cast<int>(state_->slots.size()); }

int SlotPool::leased() const {
  const std::lock_guard lock(state_->mutex);
  return state_->leased;
}

std::size_t SlotPool::bytes() const { return state_->bytes; }

bool SlotPool::has_given_memory() const { return state_->is_given; }

}  // namespace headrace
