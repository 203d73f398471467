#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "headrace/formats/dataset_view.h"

namespace headrace {

// Some records of another data set, in the order given, with the same keys. Copies none of them;
// memory: 8 bytes a record.
class Selection final : public DatasetView {
 public:
  // Throws Error{invalid_argument} if there are none, or one is not of the data set.
  Selection(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> records);

  std::int64_t size() const override { return static_cast<std::int64_t>(records_.size()); }
  std::uint64_t fingerprint() const override;
  std::optional<std::uint64_t> content_fingerprint() const override;

 private:
  Place place_of(std::int64_t index) const override {
    return {dataset_.get(), records_[static_cast<std::size_t>(index)]};
  }
  std::uint64_t fingerprint_of(std::uint64_t whole) const;

  std::shared_ptr<const Dataset> dataset_;
  std::vector<std::int64_t> records_;
};

struct ValidationSplit {
  std::shared_ptr<const Dataset> training;
  std::shared_ptr<const Dataset> validation;
};

// Keras' validation_split: of each class, the first `fraction` of its records, rounded down, are
// for validation, and the rest for training, both in the order of the data set. Without labels, the
// first of all records.
// Throws Error{invalid_argument} unless 0 < fraction < 1 and both parts have records.
ValidationSplit split_validation(std::shared_ptr<const Dataset> dataset, double fraction);

}  // namespace headrace
