#include "headrace/pipeline/failure_log.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace headrace {
namespace {

std::vector<FailedRecord> sorted(std::vector<FailedRecord> records) {
  std::sort(records.begin(), records.end(),
            [](const FailedRecord& a, const FailedRecord& b) { return a.index < b.index; });
  return records;
}

std::int64_t checked_limit(const ErrorBudget& budget, std::int64_t size) {
  constexpr std::int64_t most = 65'536;
  if (budget.count) {
    if (*budget.count < 0) {
      throw Error(ErrorCode::invalid_argument, "an error budget of " +
                                                   std::to_string(*budget.count) +
                                                   " records: it must not be negative");
    }
    return std::min(*budget.count, most);
  }
  if (!(budget.share >= 0 && budget.share <= 1)) {
    throw Error(ErrorCode::invalid_argument,
                "an error budget of " + std::to_string(budget.share) +
                    " of the records: a share is between 0 and 1, or give a count");
  }
  const double records = std::ceil(budget.share * static_cast<double>(size));
  return records < static_cast<double>(most) ? static_cast<std::int64_t>(records) : most;
}

}  // namespace

bool is_of_the_data(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:  // an image too small for the recipe
    case ErrorCode::io:
    case ErrorCode::corrupt_data:
    case ErrorCode::unsupported: return true;
    case ErrorCode::exhausted:
    case ErrorCode::backend:
    case ErrorCode::cancelled: return false;
  }
  return false;
}

FailureLog::FailureLog(ErrorPolicy policy, ErrorBudget budget, std::int64_t size)
    : policy_(policy), size_(size), limit_(checked_limit(budget, size)) {}

bool FailureLog::wanted_in_vain(std::int64_t index) {
  if (!any_for_good_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(index);
  if (found == entries_.end() || !found->second.for_good) return false;
  ++found->second.record.times;
  return true;
}

void FailureLog::add(std::int64_t index, const std::string& key, const Error& error,
                     bool for_good) {
  const std::lock_guard lock(mutex_);
  if (static_cast<std::int64_t>(entries_.size()) <= limit_) {
    Entry& entry = entries_[index];
    if (entry.record.times++ == 0) {
      entry.record.index = index;
      entry.record.key = key;
      entry.record.reason = error.what();
      entry.record.code = error.code();
    }
    if (for_good) {
      entry.for_good = true;
      any_for_good_.store(true, std::memory_order_relaxed);
    }
  }
  if (static_cast<std::int64_t>(entries_.size()) > limit_) throw over_budget(error.code());
}

Error FailureLog::over_budget(ErrorCode code) const {
  std::vector<FailedRecord> records;
  for (const auto& [index, entry] : entries_) records.push_back(entry.record);
  records = sorted(std::move(records));
  constexpr std::size_t named = 3;
  std::string text = std::to_string(records.size()) + " of " + std::to_string(size_) +
                     " records cannot be used, and the error budget allows " +
                     std::to_string(limit_) + ": mend the data or raise the budget; ";
  for (std::size_t i = 0; i < std::min(named, records.size()); ++i) {
    text += (i == 0 ? "" : "; ") + records[i].key + ": " + records[i].reason;
  }
  if (records.size() > named) text += "; ...";
  return {code, text};
}

ErrorReport FailureLog::report() const {
  ErrorReport report{.policy = policy_,
                     .size = size_,
                     .limit = limit_,
                     .replaced = replaced_.load(std::memory_order_relaxed)};
  const std::lock_guard lock(mutex_);
  for (const auto& [index, entry] : entries_) report.records.push_back(entry.record);
  report.records = sorted(std::move(report.records));
  return report;
}

std::string_view to_string(ErrorPolicy policy) {
  switch (policy) {
    case ErrorPolicy::fail: return "fail";
    case ErrorPolicy::skip: return "skip";
    case ErrorPolicy::blank: return "blank";
  }
  return "unknown";
}

std::string to_text(const ErrorReport& report) {
  if (report.records.empty()) return "no record failed\n";
  std::string text = std::to_string(report.records.size()) + " of " + std::to_string(report.size) +
                     " records failed (" + std::to_string(report.limit) + " may); " +
                     std::to_string(report.replaced) + " samples were " +
                     (report.policy == ErrorPolicy::blank ? "left blank" : "replaced by others") +
                     "\n";
  for (const FailedRecord& record : report.records) {
    text += record.key + ": " + record.reason + " (" + std::string(to_string(record.code)) +
            ", wanted " + std::to_string(record.times) + (record.times == 1 ? " time" : " times") +
            ")\n";
  }
  return text;
}

}  // namespace headrace
