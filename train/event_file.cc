#include "headrace/train/event_file.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ (sum & 1 ? 0x82f63b78u : 0u);
    table[byte] = sum;
  }
  return table;
}();

template <class Integer>
std::string little_endian(Integer value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  }
  return bytes;
}

// TFRecord's: a sum over bytes that hold sums themselves would be weak.
std::string masked_sum(std::string_view bytes) {
  const std::uint32_t sum = crc32c(bytes);
  return little_endian(((sum >> 15) | (sum << 17)) + 0xa282ead8u);
}

// Fields of protocol buffers by their wire types.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}
std::string integer_field(unsigned number, std::uint64_t value) {
  return varint(number << 3 | 0) + varint(value);
}
std::string double_field(unsigned number, double value) {
  return varint(number << 3 | 1) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string bytes_field(unsigned number, std::string_view bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
std::string float_field(unsigned number, float value) {
  return varint(number << 3 | 5) + little_endian(std::bit_cast<std::uint32_t>(value));
}

// Event: wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7.
std::string event(double wall_time, std::int64_t step) {
  return double_field(1, wall_time) +
         (step == 0 ? "" : integer_field(2, static_cast<std::uint64_t>(step)));
}

double now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::filesystem::path new_path(const std::filesystem::path& folder) {
  static std::atomic<int> files{0};  // that this process has made: their names differ by it
  return folder / ("events.out.tfevents." + std::to_string(static_cast<std::int64_t>(now())) + "." +
                   host_name() + "." + std::to_string(::getpid()) + "." +
                   std::to_string(files.fetch_add(1)));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t sum = 0xffffffffu;
  for (const char byte : bytes) {
    sum = (sum >> 8) ^ crc_table[(sum ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~sum;
}

std::string record_of(std::string_view bytes) {
  const std::string length = little_endian(static_cast<std::uint64_t>(bytes.size()));
  return length + masked_sum(length) + std::string(bytes) + masked_sum(bytes);
}

std::string version_event(double wall_time) {
  return event(wall_time, 0) + bytes_field(3, "brain.Event:2");
}

// Summary: value = 1; Value: tag = 1, simple_value = 2.
std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, double value) {
  const std::string entry = bytes_field(1, tag) + float_field(2, static_cast<float>(value));
  return event(wall_time, step) + bytes_field(5, bytes_field(1, entry));
}

// SessionLog: status = 1, where START is 1.
std::string start_event(double wall_time, std::int64_t step) {
  return event(wall_time, step) + bytes_field(7, integer_field(1, 1));
}

EventFile::EventFile(const std::filesystem::path& folder) : path_(new_path(folder)) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorCode::io, folder.string() + ": cannot be made: " + error.message());
  file_.open(path_, std::ios::binary);
  if (!file_) throw Error(ErrorCode::io, path_.string() + ": cannot be written");
  add(version_event(now()));
}

void EventFile::add(const std::string& event) {
  const std::string record = record_of(event);
  file_.write(record.data(), static_cast<std::streamsize>(record.size()));
}

void EventFile::scalar(std::int64_t step, std::string_view tag, double value) {
  add(scalar_event(now(), step, tag, value));
}

void EventFile::goes_on(std::int64_t step) { add(start_event(now(), step)); }

void EventFile::flush() {
  file_.flush();
  if (!file_) throw Error(ErrorCode::io, path_.string() + ": cannot be written: is the disk full?");
}

}  // namespace headrace
