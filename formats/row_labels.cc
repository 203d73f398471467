#include "headrace/formats/row_labels.h"

#include <cmath>
#include <utility>

#include "headrace/pipeline/error.h"

namespace headrace {

void RowLabels::fail(std::uint32_t line, const std::string& what) const {
  throw Error(ErrorCode::corrupt_data, list_ + ":" + std::to_string(line) + ": " + what);
}

void RowLabels::set_kind(Kind kind, std::uint32_t line) {
  if (kind_ == Kind::undecided) kind_ = kind;
  if (kind_ == kind) return;
  if (kind_ == Kind::none || kind == Kind::none) {
    fail(line, "some rows have a label and others have none; give every row one, or none");
  }
  fail(line,
       "the label is of another kind than those before: a class, a list of classes, or "
       "numbers");
}

std::int32_t RowLabels::intern(std::string_view text, std::uint32_t line) {
  // A node of a set stays where it is.
  const std::string key(text);
  const auto found = texts_.find(key);
  return names_.intern(found != texts_.end() ? *found : *texts_.insert(key).first, line);
}

void RowLabels::add_class(std::string_view text, std::uint32_t line) {
  set_kind(Kind::classes, line);
  numbers_.push_back(intern(text, line));
}

void RowLabels::add_tags(std::span<const std::string_view> tags, std::uint32_t line) {
  set_kind(Kind::tags, line);
  for (const std::string_view tag : tags) numbers_.push_back(intern(tag, line));
  tag_ends_.push_back(numbers_.size());
}

void RowLabels::add_values(std::span<const float> values, std::uint32_t line) {
  set_kind(Kind::values, line);
  if (values_.empty()) width_ = values.size();
  if (values.size() != width_ || width_ == 0) {
    fail(line, "the label has " + std::to_string(values.size()) + " numbers" +
                   (width_ == 0 ? "" : ", and those before have " + std::to_string(width_)) +
                   "; write classes as text");
  }
  values_.insert(values_.end(), values.begin(), values.end());
}

void RowLabels::add_nothing(std::uint32_t line) { set_kind(Kind::none, line); }

void RowLabels::add_weight(double weight, std::uint32_t line) {
  if (!std::isfinite(weight) || weight < 0) fail(line, "a weight is a number from 0 on");
  weights_.push_back(static_cast<float>(weight));
}

void RowLabels::finish(ImageFileTable& table, const std::vector<std::string>& expected_classes) && {
  if (!weights_.empty() && weights_.size() != table.rows.size()) {
    throw Error(ErrorCode::corrupt_data,
                list_ + ": some rows have a weight and others have none; give every row one");
  }
  table.weights = std::move(weights_);
  table.labelled = kind_ != Kind::none && kind_ != Kind::undecided;
  if (kind_ == Kind::values) table.values = std::move(values_);
  if (kind_ == Kind::classes) {
    for (std::size_t i = 0; i < table.rows.size(); ++i) table.rows[i].label = numbers_[i];
    resolve_classes(names_, list_, expected_classes, table);
  }
  if (kind_ == Kind::tags) {
    LabelNames::Classes classes = names_.resolve(
        [&](std::uint32_t line) { return list_ + ":" + std::to_string(line); }, expected_classes);
    for (std::int32_t& number : numbers_) {
      number = classes.of_number[static_cast<std::size_t>(number)];
    }
    if (classes.names.empty()) throw Error(ErrorCode::corrupt_data, list_ + ": no row has a tag");
    table.classes = std::move(classes.names);
    table.tags = std::move(numbers_);
    table.tag_ends = std::move(tag_ends_);
  }
}

void resolve_classes(const LabelNames& names, const std::string& list,
                     const std::vector<std::string>& expected_classes, ImageFileTable& table) {
  if (expected_classes.empty()) {
    if (const std::vector<float> numbers = names.decimals(); !numbers.empty()) {
      table.values.reserve(table.rows.size());
      for (ImageFileRow& row : table.rows) {
        table.values.push_back(numbers[static_cast<std::size_t>(row.label)]);
        row.label = -1;
      }
      return;
    }
  }
  LabelNames::Classes classes = names.resolve(
      [&](std::uint32_t line) { return list + ":" + std::to_string(line); }, expected_classes);
  for (ImageFileRow& row : table.rows) {
    row.label = classes.of_number[static_cast<std::size_t>(row.label)];
  }
  table.classes = std::move(classes.names);
}

}  // namespace headrace
