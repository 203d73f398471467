#include "headrace/pipeline/cached_dataset.h"

#include <atomic>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/kept_entries.h"

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
    std::span<const std::byte> hint;
  };
  std::vector<Value> values;
  std::unique_ptr<std::byte[]> bytes;

  static std::size_t bytes_of(const Record& record) {
    std::size_t sum = 0;
    for (const RecordValue& value : record.values) {
      sum += aligned(value.bytes.size()) + aligned(pixel_bytes(value.pixels)) +
             aligned(value.hint.size());
    }
    return sum;
  }

  Entry(const Record& record, std::size_t size)
      : bytes(std::make_unique_for_overwrite<std::byte[]>(size)) {
    std::byte* to = bytes.get();
    values.reserve(record.values.size());
    for (const RecordValue& value : record.values) {
      if (!value.bytes.empty()) std::memcpy(to, value.bytes.data(), value.bytes.size());
      Value copy{{to, value.bytes.size()}, value.pixels, {}};
      to += aligned(value.bytes.size());
      move_pixels(copy.pixels, to);
      to += aligned(pixel_bytes(value.pixels));
      if (!value.hint.empty()) std::memcpy(to, value.hint.data(), value.hint.size());
      copy.hint = {to, value.hint.size()};
      to += aligned(value.hint.size());
      values.push_back(copy);
    }
  }
};

struct CachedDataset::Kept {
  KeptEntries<Entry> entries;
  std::atomic<std::int64_t> hits{0};

  Kept(MemoryBudget& budget, const Dataset& dataset)
      : entries(budget, "cache of " + dataset.info().name, dataset.size()) {}
};

CachedDataset::CachedDataset(std::shared_ptr<const Dataset> dataset, MemoryBudget& budget)
    : dataset_(usable(std::move(dataset))), kept_(std::make_unique<Kept>(budget, *dataset_)) {}

CachedDataset::~CachedDataset() = default;

std::int64_t CachedDataset::kept() const { return kept_->entries.kept(); }
std::size_t CachedDataset::bytes() const { return kept_->entries.bytes(); }
bool CachedDataset::is_full() const { return kept_->entries.is_full(); }
std::int64_t CachedDataset::hits() const { return kept_->hits.load(std::memory_order_relaxed); }

bool CachedDataset::find(std::int64_t index, Record& into) const {
  const Entry* const entry = kept_->entries.find(index);
  if (entry == nullptr) return false;
  into.values.resize(entry->values.size());
  for (std::size_t i = 0; i < entry->values.size(); ++i) {
    into.values[i].bytes = entry->values[i].bytes;
    into.values[i].pixels = entry->values[i].pixels;
    into.values[i].hint = entry->values[i].hint;
  }
  kept_->hits.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void CachedDataset::keep(std::int64_t index, const Record& record) const {
  const std::size_t bytes = Entry::bytes_of(record);
  const std::size_t cost =
      bytes + sizeof(Entry) + record.values.size() * sizeof(Entry::Value) + 3 * 16;  // of malloc
  if (!kept_->entries.reserve(cost)) return;
  kept_->entries.keep(index, cost, [&] { return std::make_unique<const Entry>(record, bytes); });
}

void CachedDataset::read(std::int64_t index, Record& into) const {
  if (find(index, into)) return;
  into.clear_hints();
  dataset_->read(index, into);
  keep(index, into);
}

bool CachedDataset::try_read(std::int64_t index, Record& into) const {
  if (find(index, into)) return true;
  into.clear_hints();
  if (!dataset_->try_read(index, into)) return false;
  keep(index, into);
  return true;
}

std::size_t CachedDataset::will_need(std::int64_t index) const {
  return kept_->entries.find(index) != nullptr ? 0 : dataset_->will_need(index);
}

}  // namespace headrace
