#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "headrace/formats/pack.h"
#include "headrace/formats/pack_layout.h"
#include "headrace/pipeline/error.h"
#include "tests/fuzz/fuzz_target.h"

namespace headrace {
namespace {

// Gives a value the check that it should have, so that not every change ends at the first check.
template <class T>
void reseal(std::vector<std::byte>& file, std::size_t at, std::uint64_t pack) {
  if (at > file.size() || file.size() - at < sizeof(T)) return;
  const std::size_t end = sizeof(T) - sizeof(std::uint64_t);
  const auto check = pack::check_of(std::span(file).subspan(at, end), pack);
  std::memcpy(file.data() + at + end, &check, sizeof check);
}

std::uint64_t check_of_range(const std::vector<std::byte>& file, std::uint64_t offset,
                             std::uint64_t bytes, std::uint64_t pack) {
  if (offset > file.size() || bytes > file.size() - offset) return 0;
  return pack::check_of(std::span(file).subspan(offset, bytes), pack);
}

void reseal_records(std::vector<std::byte>& file, const pack::Footer& footer) {
  for (std::size_t i = 0; i < footer.records && i < 8; ++i) {
    const std::size_t at = footer.table_offset + i * sizeof(pack::Entry);
    if (at > file.size() || file.size() - at < sizeof(pack::Entry)) return;
    const auto entry = pack::load<pack::Entry>(file, at);
    if (entry.bytes < 48 || entry.offset() > file.size() ||
        entry.bytes > file.size() - entry.offset()) {
      continue;
    }
    const std::size_t end = entry.bytes - sizeof(std::uint64_t);
    const auto check = pack::check_of(std::span(file).subspan(entry.offset(), end), footer.pack);
    std::memcpy(file.data() + entry.offset() + end, &check, sizeof check);
  }
}

void reseal_all(std::vector<std::byte>& file) {
  if (file.size() < sizeof(pack::PartHeader) + sizeof(pack::Footer)) return;
  const std::size_t end = file.size() - sizeof(pack::Footer);
  auto footer = pack::load<pack::Footer>(file, end);
  std::memcpy(file.data(), pack::magic.data(), pack::magic.size());
  std::memcpy(file.data() + pack::magic.size(), &footer.pack, sizeof footer.pack);
  reseal<pack::PartHeader>(file, 0, footer.pack);
  footer.records %= 64;
  reseal_records(file, footer);
  footer.description_check =
      check_of_range(file, footer.description_offset, footer.description_bytes, footer.pack);
  footer.table_check =
      check_of_range(file, footer.table_offset, footer.records * sizeof(pack::Entry), footer.pack);
  pack::seal(footer);
  std::memcpy(file.data() + end, &footer, sizeof footer);
}

void open_and_read(const std::vector<std::byte>& file) {
  const int descriptor = ::memfd_create("pack", MFD_CLOEXEC);
  if (descriptor < 0) return;
  const ssize_t written = ::write(descriptor, file.data(), file.size());
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  try {
    const auto dataset = open_pack(path);
    Record record;
    for (std::int64_t i = 0; i < dataset->size() && i < 64 && written >= 0; ++i) {
      static_cast<void>(dataset->key(i).size() + static_cast<std::size_t>(dataset->label(i) + 1));
      try {
        dataset->read(i, record);
      } catch (const Error&) {
        continue;
      }
      unsigned sum = 0;
      for (const RecordValue& value : record.values) {
        for (const std::byte byte : value.bytes) sum += std::to_integer<unsigned>(byte);
        for (const std::byte byte : value.hint) sum += std::to_integer<unsigned>(byte);
        for (int y = 0; y < value.pixels.shape.height && value.pixels.data != nullptr; ++y) {
          sum +=
              std::to_integer<unsigned>(value.pixels.row<std::byte>(y)[value.pixels.row_bytes - 1]);
        }
      }
      [[maybe_unused]] volatile unsigned used = sum;
    }
  } catch (const Error&) {
  }
  ::close(descriptor);
}

}  // namespace
}  // namespace headrace

// The bytes as they are, and with checks that are right.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  std::vector<std::byte> file(bytes.begin(), bytes.end());
  headrace::open_and_read(file);
  headrace::reseal_all(file);
  headrace::open_and_read(file);
  return 0;
}
