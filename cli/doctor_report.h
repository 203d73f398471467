#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/cli/run_record.h"
#include "headrace/formats/doctor.h"

namespace headrace::cli {

// How many records have a value in each of a row of ranges.
struct Histogram {
  std::string title;
  std::vector<std::string> ranges;
  std::vector<std::int64_t> counts;
};

// What there is to say about a data set that was looked through.
struct DoctorResult {
  std::string data;
  const Dataset* dataset = nullptr;
  DoctorReport report;
  double seconds = 0;
  std::string manifest;  // "": none was written
  std::int64_t left_out = 0;
};

// Of heights, widths, ratios of the sides, bytes, channels, kinds, and classes if there are any.
std::vector<Histogram> histograms(const DoctorResult& result);

// What is odd about the labels as a whole, a line each: classes without images, or with many more
// than others.
std::vector<std::string> label_troubles(const DoctorResult& result);

// For people.
std::string doctor_text(const DoctorResult& result);
// One object, with the first thousand records that have findings, and of groups as many.
Json doctor_json(const DoctorResult& result);

}  // namespace headrace::cli
