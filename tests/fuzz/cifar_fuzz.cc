#include <cstdlib>

#include "headrace/formats/cifar.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const headrace::MemoryFile file(std::as_bytes(std::span(data, size)));
  try {
    const auto dataset = headrace::open_cifar({file.path()});
    const auto classes = static_cast<std::int64_t>(dataset->info().classes.size());
    headrace::Record record;
    for (std::int64_t i = 0; i < dataset->size(); ++i) {
      if (dataset->label(i) < 0 || dataset->label(i) >= classes) std::abort();
      dataset->read(i, record);
    }
  } catch (const headrace::Error&) {
  }
  return 0;
}
