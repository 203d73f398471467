#include <vector>

#include "headrace/formats/image_header.h"
#include "headrace/formats/png_chunks.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"

// Everything that Headrace itself reads of image files other than JPEG.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headrace;
  static std::vector<std::byte> copy;
  const auto file = std::as_bytes(std::span(data, size));
  const auto kind = recognise_image(file);
  if (!kind || *kind == ImageKind::jpeg) return 0;
  try {
    read_image_header(*kind, file);
    if (*kind == ImageKind::png) copy_png_pixels(file, copy);
  } catch (const Error&) {  // what bad input should give
  }
  return 0;
}
