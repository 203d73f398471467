#include "headrace/pipeline/cached_dataset.h"

#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

std::shared_ptr<const Dataset> usable(std::shared_ptr<const Dataset> dataset) {
  if (dataset == nullptr) throw Error(ErrorCode::invalid_argument, "a cache needs a data set");
  return dataset;
}

std::size_t pixel_bytes(const ImageView& view) {
  return view.shape.elements() * size_of(view.type);
}

// Copies a view's rows close together, and lets it look at the copy.
void move_pixels(ImageView& view, std::byte* to) {
  if (view.data == nullptr) return;
  const auto height = static_cast<std::size_t>(view.shape.height);
  const std::size_t row = height == 0 ? 0 : pixel_bytes(view) / height;
  for (std::size_t y = 0; y < height; ++y) {
    std::memcpy(to + y * row, view.data + y * view.row_bytes, row);
  }
  view.data = to;
  view.row_bytes = row;
}

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

// A record, its views pointing into `bytes`.
struct CachedDataset::Entry {
  struct Value {
    std::span<const std::byte> bytes;
    ImageView pixels;
  };
  std::vector<Value> values;
  std::unique_ptr<std::byte[]> bytes;

  static std::size_t bytes_of(const Record& record) {
    std::size_t sum = 0;
    for (const RecordValue& value : record.values) {
      sum += aligned(value.bytes.size()) + aligned(pixel_bytes(value.pixels));
    }
    return sum;
  }

  Entry(const Record& record, std::size_t size)
      : bytes(std::make_unique_for_overwrite<std::byte[]>(size)) {
    std::byte* to = bytes.get();
    values.reserve(record.values.size());
    for (const RecordValue& value : record.values) {
      if (!value.bytes.empty()) std::memcpy(to, value.bytes.data(), value.bytes.size());
      Value copy{{to, value.bytes.size()}, value.pixels};
      to += aligned(value.bytes.size());
      move_pixels(copy.pixels, to);
      to += aligned(pixel_bytes(value.pixels));
      values.push_back(copy);
    }
  }
};

CachedDataset::CachedDataset(std::shared_ptr<const Dataset> dataset, MemoryBudget& budget)
    : dataset_(usable(std::move(dataset))),
      memory_(budget.take("cache of " + dataset_->info().name,
                          static_cast<std::size_t>(dataset_->size()) * sizeof(Entry*))),
      entries_(static_cast<std::size_t>(dataset_->size())) {}

CachedDataset::~CachedDataset() {
  for (const auto& entry : entries_) {
    const std::unique_ptr<const Entry> owner(entry.load(std::memory_order_relaxed));
  }
}

bool CachedDataset::find(std::int64_t index, Record& into) const {
  const Entry* entry = entries_[static_cast<std::size_t>(index)].load(std::memory_order_acquire);
  if (entry == nullptr) return false;
  into.values.resize(entry->values.size());
  for (std::size_t i = 0; i < entry->values.size(); ++i) {
    into.values[i].bytes = entry->values[i].bytes;
    into.values[i].pixels = entry->values[i].pixels;
  }
  return true;
}

void CachedDataset::keep(std::int64_t index, const Record& record) const {
  if (full_.load(std::memory_order_relaxed)) return;
  const std::size_t bytes = Entry::bytes_of(record);
  const std::size_t cost =
      bytes + sizeof(Entry) + record.values.size() * sizeof(Entry::Value) + 3 * 16;  // of malloc
  if (!memory_.try_grow(cost)) {
    full_ = true;
    return;
  }
  std::unique_ptr<const Entry> entry;
  try {
    entry = std::make_unique<const Entry>(record, bytes);
  } catch (const std::bad_alloc&) {
    memory_.shrink(cost);
    full_ = true;
    return;
  }
  const Entry* none = nullptr;
  auto& place = entries_[static_cast<std::size_t>(index)];
  if (place.compare_exchange_strong(none, entry.get(), std::memory_order_acq_rel)) {
    static_cast<void>(entry.release());
    ++kept_;
  } else {
    memory_.shrink(cost);  // another thread was first
  }
}

void CachedDataset::read(std::int64_t index, Record& into) const {
  if (find(index, into)) return;
  dataset_->read(index, into);
  keep(index, into);
}

bool CachedDataset::try_read(std::int64_t index, Record& into) const {
  if (find(index, into)) return true;
  if (!dataset_->try_read(index, into)) return false;
  keep(index, into);
  return true;
}

std::size_t CachedDataset::will_need(std::int64_t index) const {
  const auto& entry = entries_[static_cast<std::size_t>(index)];
  return entry.load(std::memory_order_relaxed) != nullptr ? 0 : dataset_->will_need(index);
}

}  // namespace headrace
