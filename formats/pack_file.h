#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "headrace/formats/pack_layout.h"
#include "headrace/formats/range_reader.h"

namespace headrace::pack {

// An open pack: its parts, table and description. Private to formats. Immutable. Holds 16 bytes a
// record in memory, and a file descriptor a part.
class File {
 public:
  // Throws Error{io} if a part cannot be read, Error{corrupt_data} naming it if it is no pack, not
  // whole, damaged, or part of another pack.
  explicit File(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t number() const { return footer_.pack; }
  const Footer& footer() const { return footer_; }
  const Description& description() const { return description_; }
  const std::vector<Entry>& table() const { return table_; }
  const RangeReader& part(const Entry& entry) const { return parts_[entry.part()]; }
  std::size_t parts() const { return parts_.size(); }
  std::uint64_t bytes() const;  // of all files

 private:
  void read_footer();
  void read_description();
  void open_parts();
  void read_table();
  [[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) const;

  std::filesystem::path path_;
  std::vector<RangeReader> parts_;
  Footer footer_;
  Description description_;
  std::vector<Entry> table_;
};

}  // namespace headrace::pack
