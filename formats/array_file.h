#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/formats/archive_file.h"
#include "headrace/formats/named_arrays.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Where images lie in a file that is too large for memory: in pieces, one image behind the other.
struct ImagesInFile {
  std::unique_ptr<const ArchiveFile> file;
  std::vector<std::uint64_t> offsets;  // of the pieces
  std::int64_t images_in_piece = 0;    // but perhaps the last
  ImageShape shape = {};
  ElementType type = ElementType::u8;
  std::int64_t count = 0;
  ArrayLabels labels = {};
  std::string name = {};
};

// A data set that reads each image when it is asked for. Private to formats.
class ArrayFile final : public Dataset {
 public:
  // Requires images to lie within the file.
  explicit ArrayFile(ImagesInFile images);

  std::int64_t size() const override { return images_.count; }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override;
  bool try_read(std::int64_t index, Record& into) const override;
  std::size_t will_need(std::int64_t index) const override;
  std::int64_t label(std::int64_t index) const override;
  std::string key(std::int64_t index) const override;
  std::uint64_t fingerprint() const override;
  std::optional<std::uint64_t> content_fingerprint() const override;

 private:
  std::uint64_t place_of(std::int64_t index) const {
    return images_.offsets[static_cast<std::size_t>(index / images_.images_in_piece)] +
           static_cast<std::uint64_t>(index % images_.images_in_piece) * image_bytes_;
  }
  std::span<std::byte> prepare(std::int64_t index, Record& into) const;

  ImagesInFile images_;
  DatasetInfo info_;
  std::size_t image_bytes_ = 0;
};

}  // namespace headrace
