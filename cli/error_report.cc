#include "headrace/cli/error_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "headrace/cli/csv.h"
#include "headrace/cli/progress.h"

namespace headrace::cli {
namespace {

constexpr std::size_t most_in_json = 100;
constexpr std::size_t most_told = 5;

std::string what_became(const NamedReport& named) {
  const std::int64_t replaced = named.report.replaced;
  const std::string samples =
      fmt::format("{} sample{}", with_commas(replaced), replaced == 1 ? "" : "s");
  if (named.left_out) return samples + " left out";
  return named.report.policy == ErrorPolicy::blank ? samples + " left blank"
                                                   : samples + " replaced by others";
}

// Calls `use` for every bad image, up to `most` of them.
template <class Use>
void for_each_bad(std::span<const NamedReport> reports, std::size_t most, Use use) {
  std::size_t seen = 0;
  for (const NamedReport& named : reports) {
    for (const FailedRecord& record : named.report.records) {
      if (seen++ >= most) return;
      use(named, record);
    }
  }
}

}  // namespace

RecordPlace place_of(const std::string& key, const std::string& data) {
  if (key.rfind(data + ":", 0) != 0) return {"", "", key};
  const std::size_t begin = data.size() + 1;
  const std::size_t end = key.find(": ", data.size());
  if (end == std::string::npos) return {"", "", key};
  const std::string line = key.substr(begin, std::max(end, begin) - begin);
  const bool is_number =
      !line.empty() &&
      std::all_of(line.begin(), line.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!is_number) return {"", "", key};
  return {data, line, key.substr(end + 2)};
}

std::vector<std::int64_t> bad_among(const ErrorReport& report, std::int64_t first,
                                    std::int64_t end) {
  std::vector<std::int64_t> bad;
  for (const FailedRecord& record : report.records) {
    if (record.index >= first && record.index < end) bad.push_back(record.index);
  }
  return bad;
}

std::int64_t bad_images(std::span<const NamedReport> reports) {
  std::size_t count = 0;
  for (const NamedReport& named : reports) count += named.report.records.size();
  return static_cast<std::int64_t>(count);
}

std::string to_csv(std::span<const NamedReport> reports) {
  std::string text = "list,line,path,reason,times\n";
  for_each_bad(reports, SIZE_MAX, [&text](const NamedReport& named, const FailedRecord& record) {
    const RecordPlace place = place_of(record.key, named.data);
    text += fmt::format("{},{},{},{},{}\n", csv_field(place.list), place.line,
                        csv_field(place.path), csv_field(record.reason), record.times);
  });
  return text;
}

Json to_json(std::span<const NamedReport> reports) {
  std::int64_t replaced = 0;
  for (const NamedReport& named : reports) replaced += named.report.replaced;
  Json listed = Json::array();
  for_each_bad(reports, most_in_json, [&](const NamedReport& named, const FailedRecord& record) {
    const RecordPlace place = place_of(record.key, named.data);
    Json one = {{"path", place.path}, {"reason", record.reason}, {"times", record.times}};
    if (!place.list.empty()) {
      one["list"] = place.list;
      one["line"] = std::stoll(place.line);
    }
    listed.push_back(std::move(one));
  });
  return {{"policy", reports.empty() ? "fail" : to_string(reports[0].report.policy)},
          {"images", bad_images(reports)},
          {"replaced", replaced},
          {"listed", std::move(listed)}};
}

std::vector<std::string> summary(std::span<const NamedReport> reports, const std::string& file) {
  std::vector<std::string> lines;
  const std::int64_t all = bad_images(reports);
  if (all == 0) return lines;
  for (const NamedReport& named : reports) {
    const ErrorReport& report = named.report;
    if (report.records.empty()) continue;
    lines.push_back(fmt::format("{}: {} of {} images cannot be used ({} may be bad); {}",
                                named.data, with_commas(std::ssize(report.records)),
                                with_commas(report.size), with_commas(report.limit),
                                what_became(named)));
  }
  for_each_bad(reports, most_told, [&lines](const NamedReport&, const FailedRecord& record) {
    lines.push_back(fmt::format("  {}: {}", record.key, record.reason));
  });
  const std::int64_t more = all - static_cast<std::int64_t>(most_told);
  const std::string where = file.empty() ? "--error-report FILE lists them" : "see " + file;
  if (more > 0) lines.push_back(fmt::format("  and {} more: {}", with_commas(more), where));
  if (more <= 0 && !file.empty()) lines.push_back("  listed in " + file);
  return lines;
}

}  // namespace headrace::cli
