#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/pipeline/dataset.h"

namespace headrace {

// A column of a list that holds what moves with the images (file_list.h; private to formats).
class ListColumn {
 public:
  // Whether a header's name is that of such a column, in any case, with spaces or dashes too.
  static bool is_target(std::string_view name);
  // Requires that it is.
  explicit ListColumn(std::string_view name);

  const DatasetField& field() const { return field_; }
  bool is_file() const { return field_.kind == FieldKind::encoded_image; }

  // Takes the cell of the next row; of a file, `offset` is where its name lies within the text.
  // Returns what is wrong with it, or "".
  std::string add(std::string_view cell, std::uint64_t offset);
  // The same of boxes or points that are written otherwise: one after the other, of left, top,
  // right, bottom and perhaps class, or of x and y, or of nothing; then the end of the row. Returns
  // what is wrong, to be said behind what it is wrong with.
  std::string add_one(std::span<const float> numbers);
  void end_row() { ends_.push_back(numbers_.size()); }
  // To be called when all rows are there: how many values a row has is known now.
  void finish();

  // Of files: where the name of row `index` lies.
  std::uint64_t offset(std::size_t index) const { return offsets_[index]; }
  // Of the rest: the values of row `index`.
  void read(std::size_t index, RecordValue& into) const;

  std::uint64_t fingerprint() const;  // of numbers

 private:
  std::string wrong_form() const;
  std::string add_box(std::span<const float> box);
  std::string add_point(std::span<const float> point);
  std::size_t begin(std::size_t index) const {
    return index == 0 ? 0 : static_cast<std::size_t>(ends_[index - 1]);
  }

  DatasetField field_;
  std::vector<std::uint64_t> offsets_;
  std::vector<float> numbers_;
  std::vector<std::uint64_t> ends_;  // where each row's numbers end
};

}  // namespace headrace
