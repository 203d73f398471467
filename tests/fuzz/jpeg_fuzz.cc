#include <cstdlib>
#include <new>

#include "headrace/formats/jpeg.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"

// Decodes whole, then a region that the size of the input chooses; the region must equal that part
// of the whole.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headrace;
  constexpr std::int64_t max_pixels = 1 << 20;  // so that no input takes long
  static const auto session = make_jpeg_decoder({max_pixels})->session();
  static Image whole;
  static Image part;
  try {
    const ImageShape shape = session->open(std::as_bytes(std::span(data, size))).shape;
    const int channels = size % 2 == 0 ? 3 : 1;
    session->decode({{0, 0, shape.height, shape.width}, channels}, whole);
    const auto choose = [size](int count, std::size_t salt) {
      return static_cast<int>(size * salt / 7 % static_cast<std::size_t>(count));
    };
    Region region;
    region.top = choose(shape.height, 3);
    region.left = choose(shape.width, 5);
    region.height = 1 + choose(shape.height - region.top, 11);
    region.width = 1 + choose(shape.width - region.left, 13);
    session->decode({region, channels}, part);
    for (int y = 0; y < region.height; ++y) {
      const auto* expected = whole.row<std::byte>(region.top + y) + region.left * channels;
      const auto* actual = part.row<std::byte>(y);
      for (std::size_t i = 0; i < part.row_bytes(); ++i) {
        if (actual[i] != expected[i]) std::abort();
      }
    }
  } catch (const Error&) {  // what bad input should give
  } catch (const std::bad_alloc&) {
  }
  return 0;
}
