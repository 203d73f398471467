#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "headrace/cli/run_record.h"
#include "headrace/pipeline/error_policy.h"

namespace headrace::cli {

// What became of the bad images of one data set.
struct NamedReport {
  std::string data;  // the data set's name
  ErrorReport report;
  bool left_out = false;  // what the policy replaced was not used at all
};

// Where a record stands: its key taken apart. A record of no list is its path alone.
struct RecordPlace {
  std::string list;
  std::string line;  // a number, or ""
  std::string path;
};
// "train.csv:812: cats/812.jpg", of the data set "train.csv".
RecordPlace place_of(const std::string& key, const std::string& data);

// Which of the records [first, end) are bad, in order; of a report as it is while loading goes on.
std::vector<std::int64_t> bad_among(const ErrorReport& report, std::int64_t first,
                                    std::int64_t end);

std::int64_t bad_images(std::span<const NamedReport> reports);

// One row for each bad image: list,line,path,reason,times.
std::string to_csv(std::span<const NamedReport> reports);
// {"policy", "images", "replaced", "listed": [{"list", "line", "path", "reason", "times"}, ...]},
// of images the first hundred.
Json to_json(std::span<const NamedReport> reports);
// For people, a line each: how many, what became of them, the first few, and where all are listed
// (`file`; "" for nowhere). Nothing if there are none.
std::vector<std::string> summary(std::span<const NamedReport> reports, const std::string& file);

}  // namespace headrace::cli
