#include <cstdlib>

#include "headrace/formats/byte_source.h"
#include "headrace/formats/npy.h"
#include "headrace/formats/zip_archive.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

void parse_array(std::span<const std::byte> bytes) {
  try {
    const auto head = bytes.first(std::min(bytes.size(), headrace::most_npy_head_bytes));
    const auto header = headrace::parse_npy_header(head, bytes.size(), "fuzz");
    const auto items = static_cast<std::size_t>(header.items());
    if (header.data_offset + items * header.item_bytes != bytes.size()) std::abort();
  } catch (const headrace::Error&) {
  }
}

void parse_zip(std::span<const std::byte> bytes) {
  const headrace::MemorySource source(bytes);
  try {
    for (const auto& member : headrace::read_zip(source, "fuzz")) {
      if (member.offset > bytes.size() || member.stored_bytes > bytes.size() - member.offset) {
        std::abort();
      }
      try {
        parse_array(headrace::read_zip_member(source, "fuzz", member));
      } catch (const headrace::Error&) {
      }
    }
  } catch (const headrace::Error&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  parse_array(bytes);
  parse_zip(bytes);
  return 0;
}
