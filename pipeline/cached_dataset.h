#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/memory_budget.h"

namespace headrace {

// A data set that keeps records of another one in memory, as they are (image files encoded): each
// as it is read for the first time, until the budget is used up. What is kept then stays: an epoch
// reads every record once, so to put one out for another gains nothing, and the usual rule, to put
// out what was used longest ago, would put out each record just before its turn comes again.
//
// The kernel's page cache does much of this for nothing. This one also saves opening and copying
// the files, and keeps its share of a data set that is larger than memory, where the page cache
// ends up keeping nothing of it. Thread-safe.
class CachedDataset final : public Dataset {
 public:
  // Eight bytes for each record are taken from the budget at once, the records as they come.
  // Throws Error{invalid_argument} with the budget that would do if there is no room for the
  // former.
  CachedDataset(std::shared_ptr<const Dataset> dataset, MemoryBudget& budget);
  ~CachedDataset() override;

  std::int64_t size() const override { return dataset_->size(); }
  const DatasetInfo& info() const override { return dataset_->info(); }
  // Views of a record that is kept point into the cache, and hold as long as it lives.
  void read(std::int64_t index, Record& into) const override;
  bool try_read(std::int64_t index, Record& into) const override;
  std::size_t will_need(std::int64_t index) const override;
  std::int64_t label(std::int64_t index) const override { return dataset_->label(index); }
  std::string key(std::int64_t index) const override { return dataset_->key(index); }
  std::uint64_t fingerprint() const override { return dataset_->fingerprint(); }

  std::int64_t kept() const;  // records
  std::size_t bytes() const;  // of the budget
  bool is_full() const;       // nothing more is kept
  std::int64_t hits() const;  // reads of records that were kept

 private:
  struct Entry;
  struct Kept;

  bool find(std::int64_t index, Record& into) const;
  void keep(std::int64_t index, const Record& record) const;

  std::shared_ptr<const Dataset> dataset_;
  std::unique_ptr<Kept> kept_;
};

}  // namespace headrace
