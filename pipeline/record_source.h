#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/epoch_order.h"
#include "headrace/pipeline/sample_reader.h"
#include "headrace/pipeline/sample_store.h"

namespace headrace {

// Where an ImageSequence gets its records (not installed).
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // Puts record `index`, that of row `row` of what is being filled, into `into`; false if it would
  // have to be waited for. Throws what Dataset::read() throws.
  virtual bool get(std::int64_t index, std::int64_t row, Record& into) = 0;
};

class WaitingSource final : public RecordSource {
 public:
  explicit WaitingSource(const Dataset& dataset) : dataset_(dataset) {}
  bool get(std::int64_t index, std::int64_t row, Record& into) override;

 private:
  const Dataset& dataset_;
};

class ReadySource final : public RecordSource {
 public:
  explicit ReadySource(const Dataset& dataset) : dataset_(dataset) {}
  bool get(std::int64_t index, std::int64_t row, Record& into) override;

 private:
  const Dataset& dataset_;
};

// Records read ahead of filling, or why they could not be.
struct LoadedRecords final : LoadedSamples {
  struct Item {
    std::int64_t index = -1;
    Record record;
    std::exception_ptr error;
  };

  std::size_t bytes() const override;

  std::vector<Item> items;  // in the order of rows
};

class LoadedSource final : public RecordSource {
 public:
  LoadedSource(const Dataset& dataset, LoadedRecords& loaded)
      : dataset_(dataset), items_(loaded.items) {}
  bool get(std::int64_t index, std::int64_t row, Record& into) override;

 private:
  const Dataset& dataset_;
  std::vector<LoadedRecords::Item>& items_;
};

// Records at positions [first, first + count) of an epoch, without those that `store` keeps; it may
// be null.
struct RecordRange {
  const Dataset& dataset;
  const EpochOrder& order;
  std::int64_t first;
  std::int64_t count;
  const SampleStore* store;
};

// Reads them; those after `stop` became true are left out.
std::unique_ptr<LoadedRecords> load_records(const RecordRange& range,
                                            const std::atomic<bool>& stop);

// Dataset::will_need() of each of them; the sum of bytes.
std::size_t announce_records(const RecordRange& range);

}  // namespace headrace
