#include <array>
#include <cstdint>
#include <exception>
#include <new>

#include "headrace/formats/jpeg.h"
#include "headrace/formats/libjpeg.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr int best_subsampled_quality = 90;

// Appends to a vector. Its memory grows outside libjpeg's calls to nothing else, so that a failed
// allocation is the only thing caught here.
struct VectorDestination {
  jpeg_destination_mgr manager;  // first: libjpeg's callbacks know only this
  std::vector<std::byte>* bytes;
  bool out_of_memory = false;
  std::array<JOCTET, 4096> buffer;
};

VectorDestination& destination_of(j_compress_ptr info) {
  return *reinterpret_cast<VectorDestination*>(info->dest);
}

void reset_buffer(j_compress_ptr info) {
  VectorDestination& destination = destination_of(info);
  destination.manager.next_output_byte = destination.buffer.data();
  destination.manager.free_in_buffer = destination.buffer.size();
}

void append(VectorDestination& destination, std::size_t count) noexcept {
  const auto* const first = reinterpret_cast<const std::byte*>(destination.buffer.data());
  try {
    destination.bytes->insert(destination.bytes->end(), first, first + count);
  } catch (const std::exception&) {  // must not pass through libjpeg, which is C
    destination.out_of_memory = true;
  }
}

boolean flush_buffer(j_compress_ptr info) {
  append(destination_of(info), destination_of(info).buffer.size());
  reset_buffer(info);
  return TRUE;
}

void finish_buffer(j_compress_ptr info) {
  VectorDestination& destination = destination_of(info);
  append(destination, destination.buffer.size() - destination.manager.free_in_buffer);
}

void check(const ImageView& image, int quality) {
  const auto invalid = [](const std::string& message) {
    throw Error(ErrorCode::invalid_argument, "encoding a JPEG: " + message);
  };
  const ImageShape& shape = image.shape;
  if (image.type != ElementType::u8) invalid("pixels must be u8");
  if (shape.channels != 1 && shape.channels != 3) {
    invalid(std::to_string(shape.channels) + " channels, not 1 or 3");
  }
  if (shape.height < 1 || shape.width < 1) invalid("the image is empty");
  if (shape.height > JPEG_MAX_DIMENSION || shape.width > JPEG_MAX_DIMENSION) {
    invalid("more than 65,500 pixels on a side");
  }
  if (quality < 1 || quality > 100) invalid("quality must lie in 1..100");
}

// Called under guarded().
void compress(jpeg_compress_struct& info, const ImageView& image, int quality) {
  const bool grey = image.shape.channels == 1;
  info.image_height = static_cast<JDIMENSION>(image.shape.height);
  info.image_width = static_cast<JDIMENSION>(image.shape.width);
  info.input_components = image.shape.channels;
  info.in_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.dct_method = JDCT_ISLOW;
  if (!grey && quality > best_subsampled_quality) {
    info.comp_info[0].h_samp_factor = 1;
    info.comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    // libjpeg does not write to the rows; its interface is older than const.
    auto* row = const_cast<JSAMPLE*>(image.row<JSAMPLE>(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
}

}  // namespace

void encode_jpeg(const ImageView& image, int quality, std::vector<std::byte>& into) {
  check(image, quality);
  into.clear();
  VectorDestination destination;
  destination.bytes = &into;
  destination.manager.init_destination = reset_buffer;
  destination.manager.empty_output_buffer = flush_buffer;
  destination.manager.term_destination = finish_buffer;

  LibjpegErrors errors;
  jpeg_compress_struct info;
  info.err = &errors.manager;
  const bool done = guarded(errors, [&] {
    jpeg_create_compress(&info);
    info.dest = &destination.manager;
    compress(info, image, quality);
  });
  jpeg_destroy_compress(&info);
  if (!done || destination.out_of_memory) throw std::bad_alloc();
}

}  // namespace headrace
