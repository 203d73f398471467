#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/dataset.h"
#include "headrace/pipeline/decoder.h"
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

// Decodes a margin of one pixel more than is asked for.
class Session final : public DecodeSession {
 public:
  ImageInfo open(std::span<const std::byte> encoded) override {
    std::memcpy(&header_, encoded.data(), sizeof header_);
    return {{header_.height, header_.width, 3}, header_.orientation};
  }
  Region decode(const DecodeRequest& request, Image& into) override {
    const Region& r = request.region;
    const int top = std::max(r.top - 1, 0);
    const int left = std::max(r.left - 1, 0);
    const Region region{top, left, std::min(r.top + r.height + 1, header_.height) - top,
                        std::min(r.left + r.width + 1, header_.width) - left};
    into.reshape({region.height, region.width, request.channels});
    for (int y = 0; y < region.height; ++y) {
      for (int x = 0; x < region.width; ++x) {
        for (int c = 0; c < request.channels; ++c) {
          into.row<std::uint8_t>(y)[x * request.channels + c] = stored(y + top, x + left, c);
        }
      }
    }
    return region;
  }

 private:
  // Only the orientations that the tests use: upright, and a quarter turn clockwise to be upright.
  std::uint8_t stored(int y, int x, int channel) const {
    return header_.orientation == 6 ? upright_pixel(header_.id, x, header_.height - 1 - y, channel)
                                    : upright_pixel(header_.id, y, x, channel);
  }
  Header header_;
};

class Codec final : public Decoder {
 public:
  std::unique_ptr<DecodeSession> session() const override { return std::make_unique<Session>(); }
  std::uint64_t fingerprint() const override { return 5; }
};

// Cuts a rectangle of 4x5 pixels out of the image, anywhere.
class RandomCrop final : public Augmenter {
 public:
  explicit RandomCrop(int channels, std::uint64_t fingerprint = 9)
      : output_{"image", ElementType::u8, {4, 5, channels}}, fingerprint_(fingerprint) {}

  const FieldSpec& output() const override { return output_; }
  int channels() const override { return static_cast<int>(output_.shape[2]); }
  SamplePlan plan(ImageSize source, const Rng& sample) const override {
    Rng rng = sample.for_operation(stream_id("crop"));
    SamplePlan plan;
    plan.source = source;
    plan.output = {4, 5};
    plan.region = {static_cast<int>(rng.below(static_cast<std::uint64_t>(source.height - 3))),
                   static_cast<int>(rng.below(static_cast<std::uint64_t>(source.width - 4))), 4, 5};
    return plan;
  }
  void render(const SamplePlan& plan, const ImageView& pixels, const Region& decoded,
              std::byte* destination, RenderScratch& scratch) const override {
    scratch.bytes.resize(100);
    const auto row_bytes = static_cast<std::size_t>(5 * channels());
    for (int y = 0; y < 4; ++y) {
      const auto* row = pixels.row<std::byte>(plan.region.top - decoded.top + y);
      std::memcpy(destination + static_cast<std::size_t>(y) * row_bytes,
                  row + (plan.region.left - decoded.left) * channels(), row_bytes);
    }
  }
  std::uint64_t fingerprint() const override { return fingerprint_; }

 private:
  FieldSpec output_;
  std::uint64_t fingerprint_;
};

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
