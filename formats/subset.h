#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "headrace/pipeline/dataset.h"

namespace headrace {

// Records [first, first + count) of another data set, with the same keys. Copies nothing.
class Subset final : public Dataset {
 public:
  // Throws Error{invalid_argument} if the range does not lie in the data set or is empty.
  Subset(std::shared_ptr<const Dataset> dataset, std::int64_t first, std::int64_t count);

  std::int64_t size() const override { return count_; }
  const DatasetInfo& info() const override { return dataset_->info(); }
  void read(std::int64_t index, Record& into) const override;
  bool try_read(std::int64_t index, Record& into) const override;
  std::size_t will_need(std::int64_t index) const override;
  std::int64_t label(std::int64_t index) const override;
  std::string key(std::int64_t index) const override;
  std::uint64_t fingerprint() const override;
  std::optional<std::uint64_t> content_fingerprint() const override;

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::int64_t first_;
  std::int64_t count_;
};

}  // namespace headrace
