#include "headrace/pipeline/sample_store.h"

#include <cstring>

namespace headrace {
namespace {

// What an entry costs beyond its bytes: itself, and what malloc adds to both.
constexpr std::size_t overhead = sizeof(KeptSample) + 2 * 16;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

SampleStore::SampleStore(SampleCache what, const BatchSpec& spec, std::size_t image_field,
                         std::int64_t size, MemoryBudget& budget)
    : what_(what),
      spec_(spec),
      image_field_(image_field),
      entries_(budget, keeps_pixels() ? "cache of pixels" : "cache of samples", size) {
  for (std::size_t field = 0; field < spec.fields.size(); ++field) {
    if (keeps(field)) row_bytes_ += spec.fields[field].row_bytes();
  }
}

const KeptSample* SampleStore::find(std::int64_t index, const Rows& rows, std::int64_t row) const {
  const KeptSample* const kept = entries_.find(index);
  if (kept == nullptr) return nullptr;
  const std::byte* from = kept->bytes.get();
  for (std::size_t field = 0; field < spec_.fields.size(); ++field) {
    if (!keeps(field)) continue;
    const std::size_t bytes = spec_.fields[field].row_bytes();
    std::memcpy(rows.row(field, row), from, bytes);
    from += bytes;
  }
  return kept;
}

std::unique_ptr<KeptSample> SampleStore::copy_row(const Rows& rows, std::int64_t row,
                                                  std::size_t more_bytes) const {
  auto kept = std::make_unique<KeptSample>();
  kept->bytes = std::make_unique_for_overwrite<std::byte[]>(row_bytes_ + more_bytes);
  std::byte* to = kept->bytes.get();
  for (std::size_t field = 0; field < spec_.fields.size(); ++field) {
    if (!keeps(field)) continue;
    const std::size_t bytes = spec_.fields[field].row_bytes();
    std::memcpy(to, rows.row(field, row), bytes);
    to += bytes;
  }
  return kept;
}

void SampleStore::keep_row(std::int64_t index, const Rows& rows, std::int64_t row) {
  const std::size_t cost = row_bytes_ + overhead;
  if (has(index) || !entries_.reserve(cost)) return;
  entries_.keep(index, cost, [&] { return copy_row(rows, row, 0); });
}

std::size_t SampleStore::pixels_cost(ImageShape shape) const {
  return aligned(row_bytes_) + shape.elements() + Image::padding + overhead;
}

bool SampleStore::reserve_pixels(ImageShape shape) { return entries_.reserve(pixels_cost(shape)); }

void SampleStore::give_back_pixels(ImageShape shape) noexcept {
  entries_.give_back(pixels_cost(shape));
}

void SampleStore::keep_pixels(std::int64_t index, const ImageView& pixels, const Region& region,
                              ImageSize source, const Rows& rows, std::int64_t row) {
  entries_.keep(index, pixels_cost(pixels.shape), [&] {
    const std::size_t offset = aligned(row_bytes_) - row_bytes_;
    auto kept = copy_row(rows, row, offset + pixels.shape.elements() + Image::padding);
    std::byte* to = kept->bytes.get() + aligned(row_bytes_);
    const std::size_t row_bytes = static_cast<std::size_t>(pixels.shape.width) *
                                  static_cast<std::size_t>(pixels.shape.channels);
    kept->pixels = {to, pixels.shape, row_bytes, ElementType::u8};
    kept->region = region;
    kept->source = source;
    for (int y = 0; y < pixels.shape.height; ++y, to += row_bytes) {
      std::memcpy(to, pixels.row<std::byte>(y), row_bytes);
    }
    std::memset(to, 0, Image::padding);
    return kept;
  });
}

SampleCacheStats SampleStore::stats() const {
  return {.kept = entries_.kept(), .bytes = entries_.bytes(), .is_full = entries_.is_full()};
}

}  // namespace headrace
