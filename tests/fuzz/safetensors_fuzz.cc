#include <cstdlib>

#include "headrace/pipeline/error.h"
#include "headrace/train/checkpoint.h"
#include "headrace/train/safetensors.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const headrace::MemoryFile file(std::as_bytes(std::span(data, size)));
  try {
    for (const headrace::NamedTensor& tensor : headrace::load_safetensors(file.path()).tensors) {
      if (static_cast<std::size_t>(tensor.shape.elements()) != tensor.values.size()) std::abort();
    }
  } catch (const headrace::Error&) {
  }
  try {
    static_cast<void>(headrace::load_checkpoint(file.path()).graph.parameter_count());
  } catch (const headrace::Error&) {
  }
  return 0;
}
