#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/formats/data_options.h"
#include "headrace/formats/file_reader.h"
#include "headrace/formats/list_columns.h"
#include "headrace/pipeline/dataset.h"

namespace headrace {

// Where one image lies, within the text of its table.
struct ImageFileRow {
  std::uint64_t offset = 0;  // of the path, which a NUL ends
  std::uint32_t length = 0;  // of the path
  std::int32_t label = -1;
  std::uint32_t line = 0;  // of the list, from 1; 0: there is no list
};

// Paths and labels of image files, kept compactly.
struct ImageFileTable {
  std::vector<std::byte> text;
  std::vector<ImageFileRow> rows;
  std::vector<std::string> classes;
  bool labelled = false;
  // Labels that are no class, of all rows: as many numbers for each, or the classes of row i, tags
  // [tag_ends[i - 1], tag_ends[i]). At most one of the two.
  std::vector<float> values;
  std::vector<std::int32_t> tags;
  std::vector<std::uint64_t> tag_ends;
  std::vector<float> weights;       // of all rows, or none
  std::vector<ListColumn> columns;  // of what moves with the images

  const char* c_path(const ImageFileRow& row) const {
    return reinterpret_cast<const char*>(text.data()) + row.offset;
  }
  std::string_view path(const ImageFileRow& row) const { return {c_path(row), row.length}; }
  // Of a column of files.
  const char* c_path(const ListColumn& column, std::size_t index) const {
    return reinterpret_cast<const char*>(text.data()) + column.offset(index);
  }
};

// A data set of image files that are read when asked for: what a list or a folder becomes.
class ImageFiles final : public Dataset {
 public:
  // `name` is the list's or folder's; `root` is what the table's paths are relative to.
  ImageFiles(std::string name, const std::filesystem::path& root, ImageFileTable table);

  std::int64_t size() const override { return static_cast<std::int64_t>(table_.rows.size()); }
  const DatasetInfo& info() const override { return info_; }
  void read(std::int64_t index, Record& into) const override;
  bool try_read(std::int64_t index, Record& into) const override;
  std::size_t will_need(std::int64_t index) const override;
  // Of several classes, the first.
  std::int64_t label(std::int64_t index) const override;
  // "train.csv:812: cats/812.jpg", or the path where there is no list.
  std::string key(std::int64_t index) const override;
  std::uint64_t fingerprint() const override;
  std::optional<std::uint64_t> content_fingerprint() const override;

  std::size_t memory_bytes() const;  // of text and rows

 private:
  const ImageFileRow& row(std::int64_t index) const {
    return table_.rows[static_cast<std::size_t>(index)];
  }

  // What the files of a record are read by: read() or try_read().
  template <class Read>
  bool read_by(const Read& read, std::int64_t index, Record& into) const;
  void fill_labels(std::int64_t index, Record& into) const;
  std::span<const std::int32_t> tags_of(std::int64_t index) const;

  FileReader reader_;
  ImageFileTable table_;
  DatasetInfo info_;
  mutable std::once_flag fingerprint_once_;
  mutable std::uint64_t fingerprint_ = 0;
};

}  // namespace headrace
