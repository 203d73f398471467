#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "headrace/formats/pack_layout.h"

namespace headrace::pack {

// The files of a pack that is being written, beside their places: "train.hpack.partial",
// "train.hpack.partial.001", ... They stay when writing is cut short, and are gone on with, since
// what they hold can be told from their bytes alone. Private to formats.
class PartFiles {
 public:
  // `most` bytes in a part, if more than one record is in it; 0: no limit.
  // Throws Error{io} if files cannot be made, or another process is writing this pack.
  PartFiles(const std::filesystem::path& pack, std::uint64_t number, std::uint64_t most);
  ~PartFiles();
  PartFiles(const PartFiles&) = delete;
  PartFiles& operator=(const PartFiles&) = delete;

  // Takes over the records of sources 0, 1, 2, ... that are there, up to the first that is missing
  // or not whole; what lies behind is cut off. Call first, and once. `progress` gets their number.
  // Throws Error{cancelled} when told to stop.
  void take_over(const std::atomic<bool>* stop, const std::function<void(std::int64_t)>& progress);

  const std::vector<Entry>& table() const { return table_; }
  // What a record that is there begins with; `into` is as long as wanted, or as the record.
  void read(const Entry& entry, std::vector<std::byte>& into) const;

  // The place of the next record, in its order.
  Entry add(std::uint32_t bytes, std::int32_t label);
  // Writes a record to its place. From many threads at once.
  void write(const Entry& entry, std::span<const std::byte> record) const;

  // Writes what is left (`description` without its parts) and puts all files in their places.
  // Returns the bytes of all.
  std::uint64_t finish(Description description, Footer footer);

 private:
  struct Part {
    int descriptor = -1;
    std::uint64_t end = 0;  // of its last record
  };

  std::filesystem::path partial_path(std::size_t part) const;
  bool open_part(std::size_t part, bool may_make);
  void begin_part();
  bool take_over_record(std::size_t part, std::uint64_t size, std::vector<std::byte>& buffer);
  void write_at(std::size_t part, std::uint64_t offset, std::span<const std::byte> bytes) const;
  void put_in_place();

  std::filesystem::path pack_;
  std::uint64_t number_;
  std::uint64_t most_;
  std::vector<Part> parts_;
  std::vector<Entry> table_;
};

}  // namespace headrace::pack
