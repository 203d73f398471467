#include "headrace/pipeline/loader_stats.h"

#include <algorithm>
#include <cmath>

namespace headrace {
namespace {

constexpr double first_edge = 1e-6;
constexpr double width = 1.05;
constexpr int bucket_count = 600;  // the last one ends after 5e6 seconds

}  // namespace

DurationHistogram::DurationHistogram() : buckets_(bucket_count) {}

void DurationHistogram::add(double seconds) {
  // Bucket b holds durations up to first_edge * width^b.
  const double exact = seconds > first_edge ? std::log(seconds / first_edge) / std::log(width) : 0;
  const double bucket = std::min(std::ceil(exact), bucket_count - 1.0);
  ++buckets_[static_cast<std::size_t>(bucket)];
  ++count_;
}

double DurationHistogram::percentile(double fraction) const {
  if (count_ == 0) return 0;
  const double wanted = fraction * static_cast<double>(count_);
  std::int64_t seen = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen > 0 && static_cast<double>(seen) >= wanted) break;
  }
  return first_edge * std::pow(width, static_cast<double>(bucket));
}

}  // namespace headrace
