#include "headrace/pipeline/fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace headrace {

Fingerprint& Fingerprint::add(std::span<const std::byte> bytes) {
  state_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), state_);
  return *this;
}

Fingerprint& Fingerprint::add(std::string_view text) {
  add(static_cast<std::uint64_t>(text.size()));
  return add(std::as_bytes(std::span(text.data(), text.size())));
}

Fingerprint& Fingerprint::add(const Batch& batch) {
  const std::size_t fields = batch.spec().fields.size();
  for (std::int64_t row = 0; row < batch.size(); ++row) {
    for (std::size_t field = 0; field < fields; ++field) {
      const std::size_t bytes = batch.spec().fields[field].row_bytes();
      add(std::span(batch.field(field).data + static_cast<std::size_t>(row) * bytes, bytes));
    }
  }
  return *this;
}

std::string to_hex(std::uint64_t fingerprint) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, fingerprint >>= 4) {
    *digit = digits[fingerprint & 15];
  }
  return text;
}

}  // namespace headrace
