#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "headrace/pipeline/memory_budget.h"

namespace headrace {

// What caches keep of the records of a data set (not installed): each entry as it comes first,
// until the budget is used up; what is kept then stays. Thread-safe.
template <class Entry>
class KeptEntries {
 public:
  // Eight bytes for each record are taken from the budget at once. Throws Error{invalid_argument}
  // with the budget that would do if there is no room for them.
  KeptEntries(MemoryBudget& budget, std::string name, std::int64_t size)
      : memory_(budget.take(std::move(name), static_cast<std::size_t>(size) * sizeof(Entry*))),
        entries_(static_cast<std::size_t>(size)) {}
  ~KeptEntries() {
    for (const auto& entry : entries_) {
      const std::unique_ptr<const Entry> owner(entry.load(std::memory_order_relaxed));
    }
  }
  KeptEntries(const KeptEntries&) = delete;
  KeptEntries& operator=(const KeptEntries&) = delete;

  // Null if there is none. It lives as long as this.
  const Entry* find(std::int64_t index) const {
    return entries_[static_cast<std::size_t>(index)].load(std::memory_order_acquire);
  }

  // Takes memory for one more entry; false, now and from now on, if there is not enough of it. It
  // must be followed by keep() or give_back().
  bool reserve(std::size_t bytes) {
    if (full_.load(std::memory_order_relaxed)) return false;
    if (memory_.try_grow(bytes)) return true;
    full_ = true;
    return false;
  }
  void give_back(std::size_t bytes) noexcept { memory_.shrink(bytes); }

  // Keeps what `make` gives, a std::unique_ptr<const Entry>, for which `bytes` were reserved,
  // unless another thread was first.
  template <class Make>
  void keep(std::int64_t index, std::size_t bytes, Make make) noexcept {
    std::unique_ptr<const Entry> entry;
    try {
      entry = make();
    } catch (const std::bad_alloc&) {
      full_ = true;
    }
    const Entry* none = nullptr;
    auto& place = entries_[static_cast<std::size_t>(index)];
    if (entry != nullptr &&
        place.compare_exchange_strong(none, entry.get(), std::memory_order_acq_rel)) {
      static_cast<void>(entry.release());
      ++kept_;
    } else {
      give_back(bytes);
    }
  }

  std::int64_t kept() const { return kept_; }
  std::size_t bytes() const { return memory_.bytes(); }
  bool is_full() const { return full_; }

 private:
  MemoryBudget::Share memory_;
  std::vector<std::atomic<const Entry*>> entries_;
  std::atomic<bool> full_{false};
  std::atomic<std::int64_t> kept_{0};
};

}  // namespace headrace
