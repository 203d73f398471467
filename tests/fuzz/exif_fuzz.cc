#include <cstdlib>

#include "headrace/formats/exif.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  for (const int orientation :
       {headrace::exif_orientation(bytes), headrace::app1_orientation(bytes)}) {
    if (orientation < 1 || orientation > 8) std::abort();
  }
  return 0;
}
