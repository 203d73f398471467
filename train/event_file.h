#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace headrace {

// A file of events as TensorBoard reads them: protocol buffers tensorflow.Event in the framing of
// TFRecord, each with its length and two CRC-32C sums (core/util/event.proto, core/lib/io).
class EventFile {
 public:
  // Makes a new file in the folder, which is made too, beside those that are there.
  // Throws Error{io} naming the folder or the file.
  explicit EventFile(const std::filesystem::path& folder);

  void scalar(std::int64_t step, std::string_view tag, double value);
  // Says that the run goes on from this step: what older files have from there on is not shown.
  void goes_on(std::int64_t step);
  // Brings what was written to the file. Throws Error{io} naming it.
  void flush();

 private:
  void add(const std::string& event);

  std::filesystem::path path_;
  std::ofstream file_;
};

// The pieces, by themselves.
std::uint32_t crc32c(std::string_view bytes);
std::string record_of(std::string_view bytes);
std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, double value);
std::string version_event(double wall_time);
std::string start_event(double wall_time, std::int64_t step);

}  // namespace headrace
