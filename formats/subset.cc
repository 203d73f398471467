#include "headrace/formats/subset.h"

#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {

Subset::Subset(std::shared_ptr<const Dataset> dataset, std::int64_t first, std::int64_t count)
    : DatasetView(dataset->info()), dataset_(std::move(dataset)), first_(first), count_(count) {
  const std::int64_t size = dataset_->size();
  if (first < 0 || count <= 0 || first > size || count > size - first) {
    throw Error(ErrorCode::invalid_argument, dataset_->info().name + " has no " +
                                                 std::to_string(count) + " records from record " +
                                                 std::to_string(first) + " on: it has " +
                                                 std::to_string(size));
  }
}

std::uint64_t Subset::fingerprint() const {
  return Fingerprint().add(dataset_->fingerprint()).add(first_).add(count_).value();
}

std::optional<std::uint64_t> Subset::content_fingerprint() const {
  const std::optional<std::uint64_t> whole = dataset_->content_fingerprint();
  if (!whole) return std::nullopt;
  return Fingerprint().add(*whole).add(first_).add(count_).value();
}

}  // namespace headrace
