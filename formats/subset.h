#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "headrace/formats/dataset_view.h"

namespace headrace {

// Records [first, first + count) of another data set, with the same keys. Copies nothing.
class Subset final : public DatasetView {
 public:
  // Throws Error{invalid_argument} if the range does not lie in the data set or is empty.
  Subset(std::shared_ptr<const Dataset> dataset, std::int64_t first, std::int64_t count);

  std::int64_t size() const override { return count_; }
  std::uint64_t fingerprint() const override;
  std::optional<std::uint64_t> content_fingerprint() const override;

 private:
  Place place_of(std::int64_t index) const override { return {dataset_.get(), first_ + index}; }

  std::shared_ptr<const Dataset> dataset_;
  std::int64_t first_;
  std::int64_t count_;
};

}  // namespace headrace
