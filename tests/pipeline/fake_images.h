#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "fake_datasets.h"
#include "headrace/pipeline/augmenter.h"
#include "headrace/pipeline/decoder.h"

namespace headrace::fake {

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

}  // namespace headrace::fake
