#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "headrace/pipeline/error_policy.h"

namespace headrace {

// The records that failed, collected from many threads (not installed). Its memory is bounded by
// the budget. Looking at a log that is empty costs one load.
class FailureLog {
 public:
  // Throws Error{invalid_argument} if the budget makes no sense.
  FailureLog(ErrorPolicy policy, ErrorBudget budget, std::int64_t size);

  ErrorPolicy policy() const { return policy_; }

  // Whether the record is known to fail whatever is drawn for it; counts that it was wanted.
  bool wanted_in_vain(std::int64_t index);
  // Notes a failure. `for_good`: it will fail again, whatever is drawn for it.
  // Throws Error, with the code of `error`, if that is more than the budget allows, now or before.
  void add(std::int64_t index, const std::string& key, const Error& error, bool for_good);
  void count_replaced() { replaced_.fetch_add(1, std::memory_order_relaxed); }

  ErrorReport report() const;

 private:
  struct Entry {
    FailedRecord record;
    bool for_good = false;
  };
  Error over_budget(ErrorCode code) const;  // mutex_ is held

  const ErrorPolicy policy_;
  const std::int64_t size_;
  const std::int64_t limit_;
  std::atomic<std::int64_t> replaced_{0};
  std::atomic<bool> any_for_good_{false};
  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, Entry> entries_;  // one more than limit_ at most
};

// Whether an error speaks of the data, so that a policy may pass over it.
bool is_of_the_data(ErrorCode code);

}  // namespace headrace
