#pragma once

#include <string>

#include "headrace/cli/doctor_report.h"

namespace headrace::cli {

// The result as a page of HTML that needs no other file: numbers, histograms, and thumbnails of
// what was found, some of each.
std::string doctor_page(const DoctorResult& result);

}  // namespace headrace::cli
