#include "region_variant.h"

#include <optional>

#include "headrace/formats/baseline/region_decoder.h"
#include "headrace/formats/libjpeg.h"

namespace headrace::bench {
namespace {

class Variant final : public RegionVariant {
 public:
  Variant() {
    info_.err = &errors_.manager;
    jpeg_create_decompress(&info_);
  }
  Variant(const Variant&) = delete;
  Variant& operator=(const Variant&) = delete;
  ~Variant() override { jpeg_destroy_decompress(&info_); }

  ImageSize open(std::span<const std::byte> file) override {
    jpeg_abort_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    jpeg_read_header(&info_, TRUE);
    return {static_cast<int>(info_.image_height), static_cast<int>(info_.image_width)};
  }

  bool decode(const Region& region, Image& into) override {
    const auto frame = baseline::frame_of(info_);
    if (!frame) return false;
    const std::span scan(info_.src->next_input_byte, info_.src->bytes_in_buffer);
    into.reshape({region.height, region.width, 3});
    return decoder_.decode(*frame, std::as_bytes(scan), {}, region, 8, into);
  }

 private:
  LibjpegErrors errors_;
  jpeg_decompress_struct info_;
  baseline::RegionDecoder decoder_;
};

}  // namespace

std::unique_ptr<RegionVariant> HEADRACE_VARIANT() { return std::make_unique<Variant>(); }

}  // namespace headrace::bench
