#include <cstdlib>
#include <vector>

#include "headrace/formats/idx.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file.h"

// One byte: where the images end and the labels begin, in 256ths. As images alone, too.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  const std::size_t cut = bytes.size() * data[0] / 256;
  const headrace::MemoryFile whole(bytes), images(bytes.first(cut)), labels(bytes.subspan(cut));
  for (const auto& [pixels, answers] : {std::pair(&whole, &whole), std::pair(&images, &labels)}) {
    try {
      const auto dataset = headrace::open_idx(pixels->path(), answers->path());
      const auto classes = static_cast<std::int64_t>(dataset->info().classes.size());
      headrace::Record record;
      for (std::int64_t i = 0; i < dataset->size() && i < 64; ++i) {
        if (dataset->label(i) >= classes) std::abort();
        dataset->read(i, record);
      }
    } catch (const headrace::Error&) {
    }
  }
  return 0;
}
