#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {

// What becomes of a sample whose record cannot be read, decoded or augmented. Errors that are not
// the record's fault (ErrorCode::exhausted, backend, cancelled) are thrown under every policy.
enum class ErrorPolicy : std::uint8_t {
  fail,  // the error is thrown, and its batch is lost to the consumer
  // The sample becomes that of the next position of the epoch whose record can be used, with that
  // one's draws; after the last position comes the first. It is thrown if 32 in a row cannot.
  skip,
  // The image and all values are zeros (after normalising, that is the mean colour), and the first
  // label is the record's own.
  blank,
};

// How many records may fail under `skip` and `blank`: `count`, or else a share of the records,
// rounded up; never more than 65,536, so that the report can list every one in bounded memory. As
// every record comes once in an epoch, this is also how many samples of an epoch may be replaced.
struct ErrorBudget {
  std::optional<std::int64_t> count = {};
  double share = 0.01;
};

// A record that failed at least once.
struct FailedRecord {
  std::int64_t index = 0;
  std::string key;     // "train.csv:812: cats/812.jpg"
  std::string reason;  // of its first failure
  ErrorCode code = ErrorCode::corrupt_data;
  std::int64_t times = 0;  // how often it was wanted in vain, also as another's replacement
};

struct ErrorReport {
  ErrorPolicy policy = ErrorPolicy::fail;
  std::int64_t size = 0;                   // records of the data set
  std::int64_t limit = 0;                  // how many of them may fail
  std::int64_t replaced = 0;               // samples made so far that are another's, or blank
  std::vector<FailedRecord> records = {};  // each once, by index
};

std::string_view to_string(ErrorPolicy policy);

// For people: a line that sums up, then one for each record.
std::string to_text(const ErrorReport& report);

}  // namespace headrace
