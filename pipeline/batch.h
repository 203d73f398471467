#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/image.h"

namespace headrace {

// Where a stream of samples stands: the next one is number `sample` of epoch `epoch`. At the size
// of the epoch it stands at that epoch's end, which is to be noticed before the next one begins.
struct Position {
  std::uint64_t epoch = 0;
  std::int64_t sample = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

// One named field of a batch: `shape` is that of one sample, e.g. {224, 224, 3}; {} is a scalar.
struct FieldSpec {
  std::string name;
  ElementType type = ElementType::f32;
  std::vector<std::int64_t> shape;

  std::int64_t elements() const;  // of one sample
  std::size_t row_bytes() const;  // of one sample
  friend bool operator==(const FieldSpec&, const FieldSpec&) = default;
};

// Names, shapes and types of a batch's fields. The common case has two: "image" and "label".
struct BatchSpec {
  std::vector<FieldSpec> fields;

  // The index of a field; throws Error{invalid_argument} naming the fields there are.
  std::size_t index_of(std::string_view name) const;
  bool has(std::string_view name) const;
  friend bool operator==(const BatchSpec&, const BatchSpec&) = default;
};

// Writable rows [0, count) of every field of a batch: what a Sequence fills. Non-owning, of the
// spec too; cheap to copy. Field k's rows are contiguous, `row_bytes` apart, and its first row is
// 64-byte aligned when it is the batch's first.
class Rows {
 public:
  // `bases[k]` is field k's row 0 of the whole batch.
  Rows(const BatchSpec& spec, std::span<std::byte* const> bases, std::int64_t first,
       std::int64_t count)
      : spec_(&spec), bases_(bases), first_(first), count_(count) {}
  Rows(const BatchSpec&&, std::span<std::byte* const>, std::int64_t, std::int64_t) = delete;

  const BatchSpec& spec() const { return *spec_; }
  std::int64_t count() const { return count_; }
  std::byte* row(std::size_t field, std::int64_t row) const {
    return bases_[field] +
           static_cast<std::size_t>(first_ + row) * spec_->fields[field].row_bytes();
  }
  template <class T>
  T* row_as(std::size_t field, std::int64_t row_index) const {
    return reinterpret_cast<T*>(row(field, row_index));
  }
  Rows part(std::int64_t first, std::int64_t count) const {
    return Rows(*spec_, bases_, first_ + first, count);
  }

 private:
  const BatchSpec* spec_;
  std::span<std::byte* const> bases_;
  std::int64_t first_;
  std::int64_t count_;
};

// The rows of one field of a batch, to read.
struct FieldView {
  const FieldSpec* spec = nullptr;
  const std::byte* data = nullptr;
  std::int64_t rows = 0;

  // Requires sizeof(T) == size_of(spec->type).
  template <class T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data), static_cast<std::size_t>(rows * spec->elements())};
  }
};

// Memory of one batch, with what fills it. Shared between a loader and the leases on it; see
// slot_pool.h.
class Slot;
class DeviceRows;

// A batch of samples: a move-only lease on a slot of its loader's pool. Destroying it gives the
// slot back, on any thread; it may outlive the loader. Reading is safe from many threads.
class Batch {
 public:
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();

  // The number of rows: the samples of this batch, or of this rank's share of it. Below the batch
  // size only for shares, and for the last batch of an epoch.
  std::int64_t size() const;
  // Rows [0, valid_rows()) are to count with weight 1, and those after them with weight 0: they
  // repeat a sample, so that all ranks have equal rows. Always size() but under ShardMode::pad.
  std::int64_t valid_rows() const;
  const BatchSpec& spec() const;
  // A view lives no longer than the batch. Throws Error{invalid_argument} if there is no such
  // field.
  FieldView field(std::string_view name) const&;
  FieldView field(std::size_t index) const&;
  FieldView field(std::string_view name) const&& = delete;
  FieldView field(std::size_t index) const&& = delete;
  // The rows on a GPU, if the loader has brought them there; else null. Fields that a GPU makes
  // (images) are then there alone, and field() refuses them; labels and values are here too.
  const DeviceRows* device() const;

  // Where this batch starts, and where the stream goes on after it: save the latter with the
  // weights it trained, and a resumed run continues with exactly the next sample. They are the
  // same on every rank: between them lie the samples of all ranks' shares.
  Position begin() const;
  Position end() const;

 private:
  friend class SlotPool;
  friend class DeviceFeed;
  explicit Batch(std::shared_ptr<Slot> slot);
  std::shared_ptr<Slot> slot_;
};

}  // namespace headrace
