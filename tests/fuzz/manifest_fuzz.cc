#include <cstdlib>
#include <string>
#include <string_view>

#include "headrace/formats/manifest.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/memory_file.h"

namespace {

void read(std::string_view text) {
  const headrace::MemoryFile file(std::as_bytes(std::span(text)));
  try {
    const headrace::ManifestHead head = headrace::read_manifest(file.path());
    for (std::size_t i = 1; i < head.left_out.size(); ++i) {
      if (head.left_out[i] <= head.left_out[i - 1]) std::abort();
    }
  } catch (const headrace::Error&) {
  }
}

// With the check that it should have, so that not every change ends there.
std::string resealed(std::string_view text) {
  constexpr std::string_view name = "check\t";
  const std::size_t at = text.find(name);
  if (at == text.npos || (at > 0 && text[at - 1] != '\n')) return std::string(text);
  const auto before = text.substr(0, at);
  const auto value = headrace::Fingerprint().add(before).value();
  constexpr std::string_view digits = "0123456789abcdef";
  std::string check;
  for (int shift = 60; shift >= 0; shift -= 4) check += digits[value >> shift & 15];
  const std::size_t end = text.find('\n', at);
  return std::string(before) + std::string(name) + check +
         std::string(end == text.npos ? std::string_view() : text.substr(end));
}

void parse_rows(std::string_view text) {
  for (std::int64_t index = 0; !text.empty(); ++index) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    headrace::RecordFacts facts;
    std::string message;
    const auto row = text.substr(0, end);
    if (headrace::parse_manifest_row(row, index, facts, message)) {
      const std::string written = headrace::manifest_row(index, facts, "key", message);
      if (!headrace::parse_manifest_row(written, index, facts, message)) std::abort();
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text);
  read(resealed(text));
  parse_rows(text);
  return 0;
}
