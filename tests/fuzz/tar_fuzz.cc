#include <cstdlib>
#include <cstring>
#include <vector>

#include "headrace/formats/tar_index.h"
#include "headrace/pipeline/error.h"
#include "headrace/pipeline/fingerprint.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using Bytes = std::vector<std::byte>;

void check(const headrace::TarIndex& index, std::size_t size) {
  for (const auto& sample : index.samples) {
    const auto key = index.at(sample.key);
    if (key.empty() || key.front() == '/' || key.find("../") != key.npos) std::abort();
    for (const auto& member : index.of(sample)) {
      if (member.offset > size || member.size > size - member.offset) std::abort();
      static_cast<void>(index.at(member.label));
    }
  }
}

void parse(std::span<const std::byte> archive) {
  try {
    const auto index = headrace::make_tar_index(headrace::MemorySource(archive), "fuzz");
    check(index, archive.size());
    const headrace::TarVersion version{archive.size(), 1};
    const auto again =
        headrace::decode_tar_index(headrace::encode_tar_index(index, version), version);
    if (!again || again->members.size() != index.members.size()) std::abort();
  } catch (const headrace::Error&) {
  }
}

// Checksums that are right, so that what they guard is reached.
Bytes mended(std::span<const std::byte> archive) {
  constexpr std::size_t block = 512;
  Bytes copy(archive.begin(), archive.end());
  for (std::size_t at = 0; at + block <= copy.size(); at += block) {
    std::byte* const header = copy.data() + at;
    if (std::memcmp(header + 257, "ustar", 5) != 0) continue;
    std::memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < block; ++i) sum += std::to_integer<unsigned>(header[i]);
    for (std::size_t i = 6; i-- > 0; sum >>= 3) header[148 + i] = std::byte('0' + (sum & 7));
  }
  return copy;
}

void decode_index(std::span<const std::byte> bytes) {
  Bytes copy(bytes.begin(), bytes.end());
  const auto sum = headrace::Fingerprint().add(bytes).value();
  const auto tail = std::as_bytes(std::span(&sum, 1));
  copy.insert(copy.end(), tail.begin(), tail.end());
  if (bytes.size() < 32) return;
  headrace::TarVersion version;
  std::memcpy(&version.size, bytes.data() + 16, 8);
  std::memcpy(&version.modified, bytes.data() + 24, 8);
  const auto index = headrace::decode_tar_index(copy, version);
  if (!index) return;
  for (const auto& sample : index->samples) {
    static_cast<void>(index->at(sample.key));
    for (const auto& member : index->of(sample)) {
      if (member.offset > version.size || member.size > version.size - member.offset) std::abort();
      static_cast<void>(index->extensions.at(member.extension));
      static_cast<void>(index->at(member.label));
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  parse(bytes);
  parse(mended(bytes));
  decode_index(bytes);
  return 0;
}
