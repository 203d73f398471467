#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "headrace/formats/duplicates.h"
#include "headrace/formats/record_facts.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

struct DoctorOptions {
  // Sizes beyond these are odd.
  int least_side = 8;
  double most_ratio = 10;  // of the longer side to the shorter
  std::int64_t most_pixels = 100'000'000;
  int threads = 0;  // 0: one for each core
  // Where rows of a manifest are noted while they come, so that a call that was cut short goes on
  // when it is made again. Empty: nowhere.
  std::filesystem::path notes = {};
  const std::atomic<bool>* stop = nullptr;
  std::function<void(std::int64_t done)> progress = {};  // called from one thread at a time
};

struct DoctorReport {
  std::vector<RecordFacts> facts;                // of each record
  std::map<std::int64_t, std::string> messages;  // why a record cannot be used
  Duplicates duplicates;
  std::vector<std::int64_t> classes;  // records of each class; empty without labels
  std::int64_t known = 0;             // records that an earlier call had looked at

  std::int64_t count(Finding finding) const;
  // Those with any of these findings.
  std::vector<std::int64_t> with(std::uint32_t findings) const;
};

// Looks at all records of a data set, each once: reads and decodes it in full, and compares all of
// them. Takes 56 bytes of memory a record. A record that is bad is a finding and no error.
// Throws Error{invalid_argument} if there are no images, Error{io} if notes cannot be written,
// Error{cancelled} when told to stop, and what is not a record's fault.
DoctorReport examine_dataset(const Dataset& dataset, const DoctorOptions& options = {});

}  // namespace headrace
