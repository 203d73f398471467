#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "headrace/pipeline/epoch_order.h"
#include "headrace/pipeline/sequence.h"

namespace headrace {

// A view of values in memory: of a vector, array or span of f32, u8 or i32. Nothing is copied.
class ArrayView {
 public:
  template <class Values>
  requires(!std::is_same_v<Values, ArrayView> &&
           (std::is_convertible_v<const Values&, std::span<const float>> ||
            std::is_convertible_v<const Values&, std::span<const std::uint8_t>> ||
            std::is_convertible_v<const Values&, std::span<const std::int32_t>>))
      ArrayView(const Values& values) {  // NOLINT: vectors are given as they are
    const std::span view(values);
    using Value = std::remove_cv_t<typename decltype(view)::element_type>;
    type_ = std::is_same_v<Value, float>          ? ElementType::f32
            : std::is_same_v<Value, std::uint8_t> ? ElementType::u8
                                                  : ElementType::i32;
    bytes_ = std::as_bytes(view);
  }

  ElementType type() const { return type_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size() / size_of(type_); }

 private:
  ElementType type_ = ElementType::f32;
  std::span<const std::byte> bytes_;
};

// Samples of one field, row-major; `shape` is that of one sample, {} a scalar.
struct FieldArray {
  std::string name;
  ArrayView values;
  std::vector<std::int64_t> shape = {};
};

struct ArraySequenceOptions {
  std::uint64_t seed = 0;
  Shuffle shuffle = Shuffle::full;
};

// Samples that lie in memory as arrays, one for each field, as they are: what a model with several
// inputs trains from, or one whose data are no images. (Images that are to be augmented:
// ArrayDataset.) The arrays must not change or go away while the sequence is in use.
class ArraySequence final : public Sequence {
 public:
  // Throws Error{invalid_argument} naming the field if an array is no whole number of samples, has
  // another number of them than the first, or none.
  explicit ArraySequence(const std::vector<FieldArray>& fields, ArraySequenceOptions options = {});

  std::int64_t size() const override { return size_; }
  const BatchSpec& spec() const override { return spec_; }
  void fill(std::uint64_t epoch, std::int64_t first, const Rows& rows) const override;
  std::int64_t grain() const override { return grain_; }
  std::uint64_t fingerprint() const override { return fingerprint_; }

 private:
  std::vector<ArrayView> arrays_;  // of each field
  ArraySequenceOptions options_;
  BatchSpec spec_;
  std::int64_t size_ = 0;
  std::int64_t grain_ = 1;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace headrace
