#include "headrace/formats/selection.h"

#include <map>
#include <span>
#include <string>
#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

[[noreturn]] void refuse(const Dataset& dataset, const std::string& what) {
  throw Error(ErrorCode::invalid_argument, dataset.info().name + ": " + what);
}

}  // namespace

Selection::Selection(std::shared_ptr<const Dataset> dataset, std::vector<std::int64_t> records)
    : DatasetView(dataset->info()), dataset_(std::move(dataset)), records_(std::move(records)) {
  if (records_.empty()) refuse(*dataset_, "a selection of no records");
  for (const std::int64_t record : records_) {
    if (record < 0 || record >= dataset_->size()) {
      refuse(*dataset_, "there is no record " + std::to_string(record) + " of " +
                            std::to_string(dataset_->size()));
    }
  }
}

std::uint64_t Selection::fingerprint_of(std::uint64_t whole) const {
  return Fingerprint().add(whole).add(std::as_bytes(std::span(records_))).value();
}

std::uint64_t Selection::fingerprint() const { return fingerprint_of(dataset_->fingerprint()); }

std::optional<std::uint64_t> Selection::content_fingerprint() const {
  const std::optional<std::uint64_t> whole = dataset_->content_fingerprint();
  if (!whole) return std::nullopt;
  return fingerprint_of(*whole);
}

ValidationSplit split_validation(std::shared_ptr<const Dataset> dataset, double fraction) {
  if (!(fraction > 0 && fraction < 1)) {
    refuse(*dataset, "a validation split of " + std::to_string(fraction) +
                         " will not do: give the share that is for validation, between 0 and 1");
  }
  std::map<std::int64_t, std::int64_t> left;  // for validation, by class
  for (std::int64_t i = 0; i < dataset->size(); ++i) ++left[dataset->label(i)];
  for (auto& [label, count] : left) {
    count = static_cast<std::int64_t>(fraction * static_cast<double>(count));
  }
  std::vector<std::int64_t> training;
  std::vector<std::int64_t> validation;
  for (std::int64_t i = 0; i < dataset->size(); ++i) {
    std::int64_t& count = left[dataset->label(i)];
    (count > 0 ? validation : training).push_back(i);
    if (count > 0) --count;
  }
  if (validation.empty() || training.empty()) {
    refuse(*dataset, "a validation split of " + std::to_string(fraction) + " leaves nothing to " +
                         (training.empty() ? "train on" : "validate by") +
                         ": give another share, or data of its own");
  }
  return {std::make_shared<Selection>(dataset, std::move(training)),
          std::make_shared<Selection>(dataset, std::move(validation))};
}

}  // namespace headrace
