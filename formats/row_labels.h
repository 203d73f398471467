#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "headrace/formats/image_files.h"
#include "headrace/formats/label_names.h"

namespace headrace {

// Collects the labels and weights of a list, row by row, into its table. All rows have labels of
// one kind. Private to formats.
class RowLabels {
 public:
  explicit RowLabels(const std::string& list) : list_(list) {}

  // Each throws Error{corrupt_data} "LIST:LINE: ..." if rows before had none, or another kind.
  void add_class(std::string_view text, std::uint32_t line);
  void add_tags(std::span<const std::string_view> tags, std::uint32_t line);
  void add_values(std::span<const float> values, std::uint32_t line);
  // A label that is there but says nothing, or is missing, is no label at all.
  void add_nothing(std::uint32_t line);
  void add_weight(double weight, std::uint32_t line);

  // Requires that all rows are in the table, and as many labels were added.
  void finish(ImageFileTable& table, const std::vector<std::string>& expected_classes) &&;

 private:
  enum class Kind { undecided, none, classes, tags, values };

  [[noreturn]] void fail(std::uint32_t line, const std::string& what) const;
  void set_kind(Kind kind, std::uint32_t line);
  std::int32_t intern(std::string_view text, std::uint32_t line);

  const std::string& list_;
  Kind kind_ = Kind::undecided;
  LabelNames names_;
  std::unordered_set<std::string> texts_;  // of names_, which must stay where they are
  std::vector<std::int32_t> numbers_;      // of each row, or of all tags in a row
  std::vector<std::uint64_t> tag_ends_;
  std::vector<float> values_;
  std::size_t width_ = 0;  // of the values of a row
  std::vector<float> weights_;
};

// The classes of labels whose numbers, of LabelNames, stand in the table's rows. Where classes are
// not given and labels are numbers that are not all whole, they are values to be predicted.
void resolve_classes(const LabelNames& names, const std::string& list,
                     const std::vector<std::string>& expected_classes, ImageFileTable& table);

}  // namespace headrace
