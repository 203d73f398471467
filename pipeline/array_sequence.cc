#include "headrace/pipeline/array_sequence.h"

#include <algorithm>
#include <cstring>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"

namespace headrace {
namespace {

constexpr std::size_t bytes_worth_a_task = std::size_t{1} << 20;  // about 100 microseconds

[[noreturn]] void fail(const FieldArray& field, const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "array " + field.name + ": " + what);
}

FieldSpec spec_of(const FieldArray& field) {
  return {field.name, field.values.type(), field.shape};
}

std::int64_t samples_of(const FieldArray& field) {
  const std::vector<std::int64_t>& shape = field.shape;
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t extent) { return extent < 1; })) {
    fail(field, "a sample's shape has no extent below 1");
  }
  const auto elements = static_cast<std::size_t>(spec_of(field).elements());
  if (field.values.size() % elements != 0) {
    fail(field, std::to_string(field.values.size()) + " values are no whole number of samples of " +
                    std::to_string(elements));
  }
  return static_cast<std::int64_t>(field.values.size() / elements);
}

}  // namespace

ArraySequence::ArraySequence(const std::vector<FieldArray>& fields, ArraySequenceOptions options)
    : options_(options) {
  if (fields.empty()) throw Error(ErrorCode::invalid_argument, "no arrays are given");
  const FieldArray& first = fields.front();
  size_ = samples_of(first);
  if (size_ == 0) fail(first, "has no samples");
  Fingerprint fingerprint;
  fingerprint.add(options_.seed).add(options_.shuffle);
  std::size_t row_bytes = 0;
  for (const FieldArray& field : fields) {
    if (const std::int64_t samples = samples_of(field); samples != size_) {
      fail(field, "has " + std::to_string(samples) + " samples, but " + first.name + " has " +
                      std::to_string(size_));
    }
    if (spec_.has(field.name)) fail(field, "there are two of that name");
    spec_.fields.push_back(spec_of(field));
    arrays_.push_back(field.values);
    row_bytes += spec_.fields.back().row_bytes();
    fingerprint.add(field.name).add(field.values.type()).add(field.values.bytes());
  }
  grain_ = static_cast<std::int64_t>(std::max<std::size_t>(1, bytes_worth_a_task / row_bytes));
  fingerprint_ = fingerprint.value();
}

void ArraySequence::fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const {
  const EpochOrder order(size_, options_.shuffle, options_.seed, epoch);
  for (std::int64_t row = 0; row < rows.count(); ++row) {
    const auto index = static_cast<std::size_t>(order.index_at(first + row));
    for (std::size_t field = 0; field < arrays_.size(); ++field) {
      const std::size_t bytes = spec_.fields[field].row_bytes();
      std::memcpy(rows.row(field, row), arrays_[field].bytes().data() + index * bytes, bytes);
    }
  }
}

}  // namespace headrace
