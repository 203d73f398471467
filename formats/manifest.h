#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/formats/data_options.h"
#include "headrace/formats/record_facts.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// A manifest: what `headrace doctor` found out about a data set, in a text file of lines with tabs.
// It begins with names and values,
//
//   headrace manifest 1
//   data         train.csv         (relative to the manifest, if it is a relative path)
//   root         ...               (as --root; may be empty)
//   fingerprint  0123456789abcdef  (of the data set)
//   records      2000
//   left_out     5,17,812          (records that are not to be loaded)
//   check        0123456789abcdef  (XXH3 of all lines before)
//
// then the names of columns, then a row for each record. As a data set it is the one that it names,
// without what is left out: open_dataset() takes it.

struct ManifestHead {
  std::string data;
  std::string root;
  std::uint64_t fingerprint = 0;
  std::int64_t records = 0;
  std::vector<std::int64_t> left_out;  // ascending
};

// A record's row, without the end of line; tabs and line feeds in texts become spaces.
std::string manifest_row(std::int64_t index, const RecordFacts& facts, std::string_view key,
                         std::string_view message);
// The other way round. False if the text is no row of record `index`.
bool parse_manifest_row(std::string_view row, std::int64_t index, RecordFacts& facts,
                        std::string& message);
// All that stands before the rows.
std::string manifest_head(const ManifestHead& head);

bool is_manifest(const std::filesystem::path& path);
// Throws Error{io}, or Error{corrupt_data} if it is damaged.
ManifestHead read_manifest(const std::filesystem::path& path);

// Opens a data set by its location and options.
using DatasetOpener = std::function<std::shared_ptr<const Dataset>(const std::string& location,
                                                                   const DataOptions& options)>;
// The data set of a manifest. Throws as read_manifest() and `open` do, and Error{corrupt_data} if
// the data set is not the one that was looked at.
std::shared_ptr<const Dataset> open_manifest(const std::filesystem::path& path,
                                             const DataOptions& options, const DatasetOpener& open);

// A data set without some of its records, which ascend. Throws Error{invalid_argument} if it has
// not all of them, or no others.
std::shared_ptr<const Dataset> leave_out(std::shared_ptr<const Dataset> dataset,
                                         const std::vector<std::int64_t>& records);

}  // namespace headrace
