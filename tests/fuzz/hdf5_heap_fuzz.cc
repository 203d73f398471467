#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "headrace/formats/hdf5_heap.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"

// A reference, and the file that it points into.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using headrace::HeapReference;
  const auto bytes = std::as_bytes(std::span(data, size));
  if (bytes.size() < HeapReference::bytes) return 0;
  const HeapReference reference = HeapReference::parse(bytes.first<HeapReference::bytes>());
  const headrace::MemorySource file(bytes.subspan(HeapReference::bytes));
  std::vector<std::byte> into;
  try {
    const std::size_t length = headrace::read_heap_value(file, "fuzz", reference, into);
    if (length != reference.length || length > into.size()) std::abort();
  } catch (const headrace::Error&) {
  }
  return 0;
}
