#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "headrace/pipeline/batch.h"

namespace headrace {

// A 64-bit hash of a row of values, in order (XXH3). Not for secrets: it tells apart what differs
// by accident.
class Fingerprint {
 public:
  Fingerprint& add(std::span<const std::byte> bytes);
  Fingerprint& add(std::string_view text);  // its length counts: "ab","c" differs from "a","bc"
  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T> Fingerprint& add(T value) {
    return add(std::as_bytes(std::span(&value, 1)));
  }
  // Every field of every row, row by row: so how samples are cut into batches does not matter.
  Fingerprint& add(const Batch& batch);

  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0;
};

std::string to_hex(std::uint64_t fingerprint);  // 16 digits

}  // namespace headrace
