#include "headrace/formats/json_lines.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "headrace/formats/column_names.h"
#include "headrace/formats/row_labels.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

using nlohmann::json;

constexpr std::size_t longest_path = 4095;  // PATH_MAX, less the NUL

class LinesParser {
 public:
  LinesParser(const std::string& name, const std::string& split)
      : name_(name), split_(split), labels_(name) {}

  ImageFileTable run(std::string_view text, const std::vector<std::string>& expected) && {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    while (!text.empty()) {
      if (line_ == std::numeric_limits<std::int32_t>::max()) {
        throw Error(ErrorCode::unsupported, name_ + " has more than 2^31 lines; split it");
      }
      ++line_;
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) add(line);
    }
    if (table_.rows.empty()) {
      throw Error(ErrorCode::corrupt_data,
                  name_ +
                      (split_.empty() ? " has no rows" : " has no rows of split '" + split_ + "'") +
                      R"(; write one object a line: {"path": "a.jpg", "label": "cat"})");
    }
    for (ListColumn& column : table_.columns) column.finish();
    std::move(labels_).finish(table_, expected);
    return std::move(table_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::corrupt_data, name_ + ":" + std::to_string(line_) + ": " + what);
  }

  // What a row has under the names of each role.
  struct Parts {
    const json* path = nullptr;
    const json* label = nullptr;
    const json* value = nullptr;
    const json* weight = nullptr;
    const json* split = nullptr;
    std::vector<std::string> targets;  // their keys
  };

  Parts parts_of(const json& row) const {
    Parts parts;
    const auto take = [&](const json*& part, const json& value, const std::string& key) {
      if (part != nullptr) fail("'" + key + "' says what another key has said");
      part = &value;
    };
    for (const auto& [key, value] : row.items()) {
      switch (role_of_column(key)) {
        case ColumnRole::path: take(parts.path, value, key); break;
        case ColumnRole::label:
        case ColumnRole::tags: take(parts.label, value, key); break;
        case ColumnRole::value: take(parts.value, value, key); break;
        case ColumnRole::weight: take(parts.weight, value, key); break;
        case ColumnRole::split: take(parts.split, value, key); break;
        case ColumnRole::target: parts.targets.push_back(key); break;
        case ColumnRole::unknown: break;
      }
    }
    return parts;
  }

  void add(std::string_view line) {
    const json row = json::parse(line, nullptr, false);
    if (!row.is_object()) fail("the line is no JSON object");
    const Parts parts = parts_of(row);
    if (!split_.empty()) {
      if (parts.split == nullptr || !parts.split->is_string()) fail("the row says no split");
      if (parts.split->get_ref<const std::string&>() != split_) return;
    }
    add_path(parts.path);
    add_label(parts.value != nullptr ? parts.value : parts.label, parts.value != nullptr);
    if (parts.weight != nullptr) {
      if (!parts.weight->is_number()) fail("a weight is a number from 0 on");
      labels_.add_weight(parts.weight->get<double>(), line_);
    }
    add_targets(row, parts.targets);
  }

  // Keeps it in the text, and returns where.
  std::uint64_t keep_path(const std::string& path) {
    if (path.empty() || path.size() > longest_path || path.find('\0') != std::string::npos) {
      fail("the path is empty, too long, or has a NUL in it");
    }
    const std::uint64_t offset = table_.text.size();
    const auto bytes = std::as_bytes(std::span(path.c_str(), path.size() + 1));
    table_.text.insert(table_.text.end(), bytes.begin(), bytes.end());
    return offset;
  }

  void add_path(const json* value) {
    if (value == nullptr || !value->is_string()) {
      fail(R"(there is no path; give one as "path", "file_name" or "image")");
    }
    const auto& path = value->get_ref<const std::string&>();
    ImageFileRow row;
    row.offset = keep_path(path);
    row.length = static_cast<std::uint32_t>(path.size());
    row.line = line_;
    table_.rows.push_back(row);
  }

  // The first row says which there are.
  void add_targets(const json& row, const std::vector<std::string>& keys) {
    if (table_.rows.size() == 1) {
      for (const std::string& key : keys) add_column(key);
    }
    for (const std::string& key : keys) {
      if (std::find(target_keys_.begin(), target_keys_.end(), key) == target_keys_.end()) {
        fail("'" + key + "' is not in the first row; give it there too, [] for none");
      }
    }
    for (std::size_t i = 0; i < target_keys_.size(); ++i) {
      const auto found = row.find(target_keys_[i]);
      add_target(table_.columns[i], target_keys_[i], found == row.end() ? json() : *found);
    }
  }

  void add_column(const std::string& key) {
    ListColumn column(key);
    for (const ListColumn& other : table_.columns) {
      if (other.field().name == column.field().name) {
        fail("'" + key + "' means what another key does; leave one away");
      }
    }
    table_.columns.push_back(std::move(column));
    target_keys_.push_back(key);
  }

  void add_target(ListColumn& column, const std::string& key, const json& value) {
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      const std::string fault = column.add(text, column.is_file() ? keep_path(text) : 0);
      if (!fault.empty()) fail(fault);
      return;
    }
    if (column.is_file()) fail("'" + key + "' must be the path of a file");
    if (!value.is_null() && !value.is_array()) fail("'" + key + "' must be a list of lists");
    for (const json& one : value) {
      std::vector<float> numbers;
      if (!one.is_null() && !one.is_array()) fail("'" + key + "' must be a list of lists");
      for (const json& number : one) numbers.push_back(number_in(number));
      const std::string fault = column.add_one(numbers);
      if (!fault.empty()) fail("'" + key + "': " + one.dump() + fault);
    }
    column.end_row();
  }

  float number_in(const json& value) const {
    if (!value.is_number()) fail("a list of numbers has something else in it");
    const auto number = value.get<double>();
    if (!(std::abs(number) <= std::numeric_limits<float>::max())) fail("a number is too large");
    return static_cast<float>(number);
  }

  void add_label(const json* label, bool is_value) {
    if (label == nullptr || label->is_null()) {
      labels_.add_nothing(line_);
    } else if (label->is_array()) {
      add_list(*label);
    } else if (is_value) {
      const float value = number_in(*label);
      labels_.add_values(std::span(&value, 1), line_);
    } else if (label->is_string()) {
      labels_.add_class(label->get_ref<const std::string&>(), line_);
    } else if (label->is_boolean()) {
      labels_.add_class(label->get<bool>() ? "1" : "0", line_);
    } else if (label->is_number()) {
      labels_.add_class(label->dump(), line_);
    } else {
      fail("a label is a text, a number, or a list of these");
    }
  }

  void add_list(const json& list) {
    if (!list.empty() && list[0].is_number()) {
      std::vector<float> values;
      for (const json& value : list) values.push_back(number_in(value));
      labels_.add_values(values, line_);
      return;
    }
    std::vector<std::string_view> tags;
    for (const json& tag : list) {
      if (!tag.is_string()) fail("a label that is a list of classes has something else in it");
      tags.push_back(tag.get_ref<const std::string&>());
    }
    labels_.add_tags(tags, line_);
  }

  const std::string& name_;
  const std::string& split_;
  ImageFileTable table_;
  RowLabels labels_;
  std::vector<std::string> target_keys_;  // of the table's columns
  std::uint32_t line_ = 0;
};

}  // namespace

ImageFileTable parse_json_lines(std::string_view text, const std::string& name,
                                const std::vector<std::string>& expected_classes,
                                const std::string& split) {
  return LinesParser(name, split).run(text, expected_classes);
}

}  // namespace headrace
