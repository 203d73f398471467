#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "headrace/formats/archive_file.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Where images lie, one behind the other, in a file that is too large for memory.
struct ImagesInFile {
  std::unique_ptr<const ArchiveFile> file;
  std::uint64_t offset = 0;
  ImageShape shape = {};
  ElementType type = ElementType::u8;
  std::int64_t count = 0;
  std::vector<std::int32_t> labels = {};  // one each, or none
  std::vector<float> targets = {};  // so many for each image that they are shared out, or none
  std::vector<std::string> classes = {};
  std::string name = {};
};

// A data set that reads each image when it is asked for. Private to formats.
class ArrayFile final : public Dataset {
 public:
  // Requires labels or targets to be none or as many as said, and images to lie within the file.
  explicit ArrayFile(ImagesInFile images);

  std::int64_t size() const override { return images_.count; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override;
  bool try_read(std::int64_t index, Record& into) const override;
  std::size_t will_need(std::int64_t index) const override;
  std::int64_t label(std::int64_t index) const override;
  std::string key(std::int64_t index) const override;
  std::uint64_t fingerprint() const override;

 private:
  std::uint64_t place_of(std::int64_t index) const {
    return images_.offset + static_cast<std::uint64_t>(index) * image_bytes_;
  }
  std::span<const float> targets_of(std::int64_t index) const;
  std::span<std::byte> prepare(std::int64_t index, Record& into) const;

  ImagesInFile images_;
  DatasetInfo info_;
  std::size_t image_bytes_ = 0;
  std::size_t target_count_ = 0;
};

}  // namespace headrace
