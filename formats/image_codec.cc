#include "headrace/formats/image_codec.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "headrace/formats/decode_request.h"
#include "headrace/formats/gif.h"
#include "headrace/formats/image_header.h"
#include "headrace/formats/jpeg.h"
#include "headrace/formats/opencv_codecs/interface.h"
#include "headrace/formats/png_chunks.h"
#include "headrace/formats/tiff_directory.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/plugin.h"

namespace headrace {
namespace {

using Bytes = std::span<const std::byte>;

class OpencvCodecs {
 public:
  // Opens the plugin when first called. Throws Error{unsupported}, then and again, without it.
  static const OpencvCodecs& instance() {
    static const OpencvCodecs codecs;
    return codecs;
  }

  // Requires that `into` has the shape the file must have, with 1 or 3 channels.
  void decode(Bytes file, ImageKind kind, const std::optional<BackgroundColour>& background,
              Image& into) const {
    std::array<char, 300> message{};
    std::array<unsigned char, 3> colour{};
    const bool composed = background && kind != ImageKind::bmp;
    if (composed) colour = {background->red, background->green, background->blue};
    const int result = decode_(reinterpret_cast<const unsigned char*>(file.data()), file.size(),
                               into.shape().channels, composed ? colour.data() : nullptr, memory_of,
                               &into, message.data(), message.size());
    if (result == headrace_opencv_decoded) return;
    if (result == headrace_opencv_no_memory) throw std::bad_alloc();
    std::replace(message.begin(), message.end(), '\n', ' ');
    throw Error(
        result == headrace_opencv_unsupported ? ErrorCode::unsupported : ErrorCode::corrupt_data,
        std::string(name_of(kind)) + " cannot be decoded: " + message.data());
  }

 private:
  OpencvCodecs() {
    const Plugin plugin("headrace_opencv_codecs");
    const auto version =
        plugin.function<headrace_opencv_get_version_function>("headrace_opencv_codecs_get_version");
    if (version() != headrace_opencv_codecs_version) {
      throw Error(ErrorCode::unsupported,
                  "the plugin headrace_opencv_codecs is of another version: install the one that "
                  "was built with this program");
    }
    decode_ = plugin.function<headrace_opencv_decode_function>("headrace_opencv_codecs_decode");
  }

  static unsigned char* memory_of(void* context, int height, int width) {
    auto& image = *static_cast<Image*>(context);
    return image.shape().size() == ImageSize{height, width} ? image.row<unsigned char>(0) : nullptr;
  }

  headrace_opencv_decode_function decode_ = nullptr;
};

[[noreturn]] void refuse_unknown(Bytes file) {
  if (file.empty()) throw Error(ErrorCode::corrupt_data, "empty: 0 bytes");
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "not an image: starts with";
  for (const std::byte byte : file.first(std::min<std::size_t>(file.size(), 4))) {
    const auto value = std::to_integer<unsigned>(byte);
    text += {' ', '0', 'x', digits[value >> 4], digits[value & 15]};
  }
  throw Error(ErrorCode::corrupt_data, text);
}

class ImageSession final : public DecodeSession {
 public:
  ImageSession(const DecodeOptions& options, std::unique_ptr<DecodeSession> jpeg)
      : options_(options), jpeg_(std::move(jpeg)) {}

  ImageInfo open(Bytes encoded) override { return open_with_hint(encoded, {}); }

  ImageInfo open_with_hint(Bytes encoded, Bytes hint) override {
    kind_.reset();
    const auto kind = recognise_image(encoded);
    if (!kind) refuse_unknown(encoded);
    if (*kind == ImageKind::jpeg) {
      info_ = jpeg_->open_with_hint(encoded, hint);
    } else {
      info_ = read_image_header(*kind, encoded);
      check_pixel_limit(name_of(*kind), info_.shape, options_.max_pixels);
    }
    kind_ = kind;
    encoded_ = encoded;
    return info_;
  }

  int least_eighths(double spare) const override {
    return kind_ == ImageKind::jpeg ? jpeg_->least_eighths(spare) : 8;
  }

  const ColourPlanes* decode_planes(const Region& region) override {
    return kind_ == ImageKind::jpeg ? jpeg_->decode_planes(region) : nullptr;
  }

  Region decode(const DecodeRequest& request, Image& into) override {
    if (!kind_) {
      throw Error(ErrorCode::invalid_argument, "decode() without an image: open() one first");
    }
    if (*kind_ == ImageKind::jpeg) return jpeg_->decode(request, into);
    if (request.indices && info_.has_indices && request.channels == 1) {
      return decode_indices(request, into);
    }
    check_request(request, info_.shape);
    if (request.eighths != 8) {
      throw Error(ErrorCode::invalid_argument,
                  std::string(name_of(*kind_)) + " cannot be decoded at a lower resolution");
    }
    if (*kind_ == ImageKind::gif) {
      decode_gif(encoded_, request.channels, options_.background, into);
      return {0, 0, info_.shape.height, info_.shape.width};
    }
    const OpencvCodecs& codecs = OpencvCodecs::instance();
    const Bytes file = prepared();
    into.reshape({info_.shape.height, info_.shape.width, request.channels});
    codecs.decode(file, *kind_, options_.background, into);
    return {0, 0, info_.shape.height, info_.shape.width};
  }

 private:
  Region decode_indices(const DecodeRequest& request, Image& into) {
    DecodeRequest pixels = request;
    pixels.indices = false;
    check_request(pixels, info_.shape);
    copy_png_indices(encoded_, copy_);
    into.reshape({info_.shape.height, info_.shape.width, 1});
    OpencvCodecs::instance().decode(copy_, ImageKind::png, {}, into);
    const unsigned scale = png_level_scale(copy_);
    if (scale != 1) {
      std::transform(
          into.data(), into.data() + into.shape().elements(), into.data(),
          [scale](std::byte level) { return std::byte(std::to_integer<unsigned>(level) / scale); });
    }
    return {0, 0, info_.shape.height, info_.shape.width};
  }

  // The bytes to give to OpenCV.
  Bytes prepared() {
    if (*kind_ == ImageKind::png) {
      copy_png_pixels(encoded_, copy_);
      return copy_;
    }
    if (*kind_ == ImageKind::tiff && info_.orientation != 1) {
      // OpenCV applies some orientations and not others: it gets none to apply.
      constexpr std::uint16_t orientation_tag = 0x0112;
      const auto directory = TiffDirectory::find(encoded_);
      if (const auto offset = directory->value_offset(orientation_tag)) {
        copy_.assign(encoded_.begin(), encoded_.end());
        copy_[*offset] = std::byte(directory->big_endian() ? 0 : 1);
        copy_[*offset + 1] = std::byte(directory->big_endian() ? 1 : 0);
        return copy_;
      }
    }
    return encoded_;
  }

  DecodeOptions options_;
  std::unique_ptr<DecodeSession> jpeg_;
  std::optional<ImageKind> kind_;  // of the open image
  ImageInfo info_;
  Bytes encoded_;
  std::vector<std::byte> copy_;
};

class ImageDecoder final : public Decoder {
 public:
  explicit ImageDecoder(const DecodeOptions& options)
      : options_(options), jpeg_(make_jpeg_decoder(options)) {}

  std::unique_ptr<DecodeSession> session() const override {
    return std::make_unique<ImageSession>(options_, jpeg_->session());
  }
  // JPEG's: a data set of JPEG files has the same pixels through either decoder.
  std::uint64_t fingerprint() const override {
    if (!options_.background) return jpeg_->fingerprint();
    const BackgroundColour& colour = *options_.background;
    return Fingerprint()
        .add(jpeg_->fingerprint())
        .add(colour.red)
        .add(colour.green)
        .add(colour.blue)
        .value();
  }

 private:
  DecodeOptions options_;
  std::shared_ptr<const Decoder> jpeg_;
};

}  // namespace

std::shared_ptr<const Decoder> make_image_decoder(const DecodeOptions& options) {
  return std::make_shared<ImageDecoder>(options);
}

}  // namespace headrace
