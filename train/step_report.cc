#include "headrace/train/step_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t values_in_row = 6;

constexpr std::size_t floats_of(std::size_t bytes) { return bytes / sizeof(float); }

}  // namespace

// Goes from rank to rank as it is.
struct StepReporter::Row {
  std::uint64_t step = 0;
  double learning_rate = 0;
  std::uint64_t values = 0;  // of the sums
  std::uint32_t stopped = 0;
  std::uint32_t not_finite = 0;
  std::array<double, values_in_row> sums = {};
};

void StepReporter::start(const StepReport& own, std::uint64_t step, double learning_rate) {
  const std::vector<double> values = own.sums.values();
  Row row{.step = step,
          .learning_rate = learning_rate,
          .values = values.size(),
          .stopped = own.stopped ? 1u : 0u,
          .not_finite = own.not_finite ? 1u : 0u};
  const std::size_t here = std::min(values.size(), values_in_row);
  std::copy_n(values.begin(), here, row.sums.begin());
  more_.assign(values.begin() + static_cast<std::ptrdiff_t>(here), values.end());

  constexpr std::size_t size = floats_of(sizeof(Row));
  buffer_.assign(size * static_cast<std::size_t>(communicator_.world_size()), 0.0f);
  std::memcpy(buffer_.data() + size * static_cast<std::size_t>(communicator_.rank()), &row,
              sizeof row);
  ticket_ = communicator_.start(Collective::all_gather, buffer_);
}

StepReport StepReporter::wait(std::chrono::milliseconds deadline) {
  communicator_.wait(ticket_, deadline);
  const auto ranks = static_cast<std::size_t>(communicator_.world_size());
  std::vector<Row> rows(ranks);
  std::memcpy(static_cast<void*>(rows.data()), buffer_.data(), ranks * sizeof(Row));

  StepReport all;
  std::size_t most = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const Row& row = rows[rank];
    if (row.step != rows[0].step || row.learning_rate != rows[0].learning_rate) {
      throw Error(ErrorCode::backend, difference(rows[0], row) + " on rank " +
                                          std::to_string(rank) +
                                          ": callbacks must do the same on every rank");
    }
    all.stopped |= row.stopped != 0;
    all.not_finite |= row.not_finite != 0;
    most = std::max(most, static_cast<std::size_t>(row.values));
  }
  // The same on all ranks, so either all go on to the second round or none does.
  const std::size_t rest = most - std::min(most, values_in_row);
  std::vector<double> others(rest * ranks);
  if (rest > 0) {
    more_.resize(rest);
    const std::size_t size = floats_of(rest * sizeof(double));
    buffer_.assign(size * ranks, 0.0f);
    std::memcpy(buffer_.data() + size * static_cast<std::size_t>(communicator_.rank()),
                more_.data(), rest * sizeof(double));
    communicator_.wait(communicator_.start(Collective::all_gather, buffer_), deadline);
    std::memcpy(others.data(), buffer_.data(), others.size() * sizeof(double));
  }
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const std::size_t own = static_cast<std::size_t>(rows[rank].values);
    if (own == 0) continue;
    const std::size_t here = std::min(own, values_in_row);
    std::vector<double> values(rows[rank].sums.begin(),
                               rows[rank].sums.begin() + static_cast<std::ptrdiff_t>(here));
    const auto first = others.begin() + static_cast<std::ptrdiff_t>(rank * rest);
    values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(own - here));
    all.sums += MetricSums::from_values(values);
  }
  return all;
}

std::string StepReporter::difference(const Row& first, const Row& other) const {
  if (first.step != other.step) {
    return "rank 0 is at step " + std::to_string(first.step + 1) + ", but it is step " +
           std::to_string(other.step + 1);
  }
  return "the learning rate is " + std::to_string(first.learning_rate) + " on rank 0, but " +
         std::to_string(other.learning_rate);
}

}  // namespace headrace
