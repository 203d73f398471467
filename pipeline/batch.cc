#include "headrace/pipeline/batch.h"

#include <utility>

#include "headrace/pipeline/error.h"
#include "headrace/pipeline/slot_pool.h"

namespace headrace {

std::int64_t FieldSpec::elements() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

std::size_t FieldSpec::row_bytes() const {
  return static_cast<std::size_t>(elements()) * size_of(type);
}

std::size_t BatchSpec::index_of(std::string_view name) const {
  std::string known;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return i;
    known += (i == 0 ? "" : ", ") + fields[i].name;
  }
  throw Error(ErrorCode::invalid_argument,
              "no field \"" + std::string(name) + "\" in this batch; it has: " + known);
}

bool BatchSpec::has(std::string_view name) const {
  for (const FieldSpec& field : fields) {
    if (field.name == name) return true;
  }
  return false;
}

Batch::Batch(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

std::int64_t Batch::size() const { return slot_->size_; }
const BatchSpec& Batch::spec() const { return *slot_->spec_; }
std::int64_t Batch::valid_rows() const { return slot_->valid_rows_; }
Position Batch::begin() const { return slot_->begin_; }
Position Batch::end() const { return slot_->end_; }
const DeviceRows* Batch::device() const { return slot_->device_; }

FieldView Batch::field(std::string_view name) const& { return field(spec().index_of(name)); }

FieldView Batch::field(std::size_t index) const& {
  if (index >= spec().fields.size()) {
    throw Error(ErrorCode::invalid_argument, "field " + std::to_string(index) +
                                                 " of a batch that has " +
                                                 std::to_string(spec().fields.size()) + " fields");
  }
  if (slot_->bases_[index] == nullptr) {
    throw Error(ErrorCode::invalid_argument, "field \"" + spec().fields[index].name +
                                                 "\" of this batch lies on a GPU alone: have it "
                                                 "delivered by Batch::device()");
  }
  return {&spec().fields[index], slot_->bases_[index], size()};
}

}  // namespace headrace
