#include "headrace/pipeline/record_source.h"

#include <utility>

namespace headrace {

bool WaitingSource::get(std::int64_t index, std::int64_t, Record& into) {
  into.clear_hints();
  dataset_.read(index, into);
  return true;
}

bool ReadySource::get(std::int64_t index, std::int64_t, Record& into) {
  into.clear_hints();
  return dataset_.try_read(index, into);
}

bool LoadedSource::get(std::int64_t index, std::int64_t row, Record& into) {
  LoadedRecords::Item& item = items_[static_cast<std::size_t>(row)];
  if (item.index == index) {
    if (item.error != nullptr) std::rethrow_exception(item.error);
    std::swap(into, item.record);
  } else {
    into.clear_hints();
    dataset_.read(index, into);  // left out
  }
  return true;
}

std::size_t LoadedRecords::bytes() const {
  std::size_t sum = items.capacity() * sizeof(Item);
  for (const Item& item : items) {
    for (const RecordValue& value : item.record.values) {
      sum += sizeof value + value.buffer.capacity();
    }
  }
  return sum;
}

std::unique_ptr<LoadedRecords> load_records(const RecordRange& range,
                                            const std::atomic<bool>& stop) {
  // All are asked for before the first is waited for, so that the disk can choose its way.
  if (range.count > 1) announce_records(range);
  auto loaded = std::make_unique<LoadedRecords>();
  loaded->items.resize(static_cast<std::size_t>(range.count));
  std::int64_t position = range.first;
  for (LoadedRecords::Item& item : loaded->items) {
    if (stop) break;
    const std::int64_t index = range.order.index_at(position++);
    if (range.store != nullptr && range.store->has(index)) continue;
    item.index = index;
    item.record.values.resize(range.dataset.info().fields.size());
    try {
      range.dataset.read(item.index, item.record);
    } catch (...) {
      item.error = std::current_exception();
    }
  }
  return loaded;
}

std::size_t announce_records(const RecordRange& range) {
  std::size_t bytes = 0;
  for (std::int64_t i = 0; i < range.count; ++i) {
    const std::int64_t index = range.order.index_at(range.first + i);
    if (range.store == nullptr || !range.store->has(index)) bytes += range.dataset.will_need(index);
  }
  return bytes;
}

}  // namespace headrace
