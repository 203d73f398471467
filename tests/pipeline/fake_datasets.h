#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/error.h"

namespace headrace::fake {

// "Encoded" images whose pixels follow from their headers.
struct Header {
  int height = 0;
  int width = 0;
  int orientation = 1;
  int id = 0;
};

// Pixel (y, x) of the picture that a person sees.
inline std::uint8_t upright_pixel(int id, int y, int x, int channel) {
  return static_cast<std::uint8_t>(id * 31 + y * 17 + x * 5 + channel);
}

// A data set in memory: encoded images, labels, and two values a record.
class EncodedDataset final : public Dataset {
 public:
  explicit EncodedDataset(std::vector<Header> headers) : headers_(std::move(headers)) {
    info_.name = "memory";
    info_.fields = {{"image", FieldKind::encoded_image, ElementType::u8, {}},
                    {"label", FieldKind::class_label, ElementType::i32, {}},
                    {"box", FieldKind::values, ElementType::f32, {2}}};
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(headers_.size()); }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override {
    if (index == unreadable) throw Error(ErrorCode::io, "cannot be read");
    const Header& header = headers_[static_cast<std::size_t>(index)];
    into.values[0].bytes = std::as_bytes(std::span(&header, 1));
    into.values[1].set_scalar(static_cast<std::int32_t>(index));
    RecordValue& box = into.values[2];
    const float values[2] = {static_cast<float>(index), 0.5f};
    box.buffer.resize(sizeof values);
    std::memcpy(box.buffer.data(), values, sizeof values);
    box.bytes = std::span<const std::byte>(box.buffer).first(index == short_box ? 4 : 8);
  }
  std::int64_t label(std::int64_t index) const override { return index; }
  std::string key(std::int64_t index) const override { return "record " + std::to_string(index); }
  std::uint64_t fingerprint() const override { return 77; }

  std::int64_t unreadable = -1;
  std::int64_t short_box = -1;

 private:
  std::vector<Header> headers_;
  DatasetInfo info_;
};

inline std::vector<Header> headers(int count, int orientation = 1) {
  std::vector<Header> all;
  for (int i = 0; i < count; ++i) all.push_back({8 + i % 3, 10 + i % 5, orientation, i});
  return all;
}

// Images already decoded, 8x10 pixels, one channel, with labels.
class PixelDataset final : public Dataset {
 public:
  explicit PixelDataset(int count) : count_(count) {
    info_.name = "memory";
    info_.fields = {{"label", FieldKind::class_label, ElementType::i32, {}},
                    {"picture", FieldKind::pixels, ElementType::u8, {8, 10, 1}}};
    for (int i = 0; i < count; ++i) {
      for (int y = 0; y < 8; ++y) {
        for (int x = 0; x < 10; ++x) pixels_.push_back(std::byte{upright_pixel(i, y, x, 0)});
      }
    }
  }
  std::int64_t size() const override { return count_; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override {
    into.values[0].set_scalar(static_cast<std::int32_t>(index));
    into.values[1].pixels = {
        pixels_.data() + index * 80, {8, 10, channels_read}, 10, ElementType::u8};
  }
  std::int64_t label(std::int64_t index) const override { return index; }
  std::string key(std::int64_t index) const override { return "record " + std::to_string(index); }
  std::uint64_t fingerprint() const override { return 78; }

  DatasetInfo info_;
  int channels_read = 1;

 private:
  int count_;
  std::vector<std::byte> pixels_;
};

}  // namespace headrace::fake
