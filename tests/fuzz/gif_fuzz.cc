#include <cstdlib>

#include "headrace/formats/gif.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headrace;
  constexpr std::size_t most_pixels = 1 << 20;
  static Image image;
  const auto file = std::as_bytes(std::span(data, size));
  try {
    const ImageInfo info = read_gif_header(file);
    if (info.shape.elements() > most_pixels * 4) return 0;
    for (const int channels : {1, 3}) {
      decode_gif(file, channels, {}, image);
      decode_gif(file, channels, BackgroundColour{}, image);
      if (image.shape().size() != info.shape.size()) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
