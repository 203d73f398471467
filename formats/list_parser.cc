#include "headrace/formats/list_parser.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "headrace/formats/column_names.h"
#include "headrace/formats/directory.h"
#include "headrace/formats/label_names.h"
#include "headrace/formats/list_columns.h"
#include "headrace/formats/row_labels.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::size_t longest_path = 4095;  // PATH_MAX, less the NUL

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// A part of the text that may be rewritten in place.
struct Field {
  char* begin = nullptr;
  char* end = nullptr;

  std::string_view view() const { return {begin, static_cast<std::size_t>(end - begin)}; }
  bool empty() const { return begin == end; }
  void trim() {
    while (begin != end && is_blank(*begin)) ++begin;
    while (begin != end && is_blank(end[-1])) --end;
  }
  char* find(char c) const {
    return static_cast<char*>(std::memchr(begin, c, static_cast<std::size_t>(end - begin)));
  }
};

// What separates the fields of a line: comma, else tab, else space, else nothing (0). Quoted parts
// do not count.
char separator_of(std::string_view line) {
  bool quoted = false;
  bool may_open = true;  // a quote counts only where a field begins
  char found = 0;
  for (const char c : line) {
    if (c == '"' && (quoted || may_open)) {
      quoted = !quoted;
      may_open = true;  // "" within quotes
      continue;
    }
    may_open = c == ',' || is_blank(c);
    if (quoted || !may_open) continue;
    if (c == ',' || (c == '\t' && found != ',') || found == 0) found = c;
  }
  return found;
}

class ListParser {
 public:
  ListParser(std::vector<std::byte> text, const std::string& name, const std::string& split)
      : name_(name), split_(split), row_labels_(name) {
    table_.text = std::move(text);
    table_.text.push_back(std::byte{0});
    cursor_ = reinterpret_cast<char*>(table_.text.data());
    end_ = cursor_ + table_.text.size() - 1;
  }

  ImageFileTable run(const std::vector<std::string>& expected_classes) &&;

 private:
  struct Row {
    Field path;
    Field label;
  };

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::corrupt_data, name_ + ":" + std::to_string(line_) + ": " + what);
  }
  [[noreturn]] void fail_columns(std::size_t count) const;
  void check_text();
  bool next_line(Field& line);
  bool read_layout(Field line);
  void read_header(const std::vector<std::string>& columns);
  void read_wide_header(const std::vector<std::string>& columns, std::vector<ColumnRole> roles);
  std::vector<std::string> cells_of(Field line) const;
  Field take_quoted(Field& rest) const;
  Field take_field(Field& rest, bool& more) const;
  Row split(Field line) const;
  Row split_at_space(Field line) const;
  Row whole_line(Field line) const;
  void add_row(const Row& row);
  void add_wide(Field line);
  void add_tags(std::string_view text);
  void add_values(const std::vector<Field>& cells);
  void add_targets(const std::vector<Field>& cells);
  std::uint64_t offset_of(const Field& field) const {
    return static_cast<std::uint64_t>(field.begin -
                                      reinterpret_cast<const char*>(table_.text.data()));
  }

  const std::string& name_;
  const std::string& split_;  // "": all rows
  ImageFileTable table_;
  LabelNames labels_;
  std::vector<ColumnRole> roles_;     // of the columns of a wide header; else none
  std::vector<std::string> columns_;  // their names
  RowLabels row_labels_;              // of a list with a wide header
  char* cursor_;
  char* end_;
  std::uint32_t line_ = 0;
  bool has_returns_ = false;
  char separator_ = 0;  // 0: rows are paths alone
  bool label_first_ = false;
};

void ListParser::fail_columns(std::size_t count) const {
  fail("the line has " + std::to_string(count) + (count == 1 ? " column" : " columns") +
       " where the list has " + (separator_ ? "2, a path and a label" : "1, a path") +
       "; put a path that contains commas, tabs or spaces in quotes");
}

void ListParser::check_text() {
  const std::string_view text(cursor_, static_cast<std::size_t>(end_ - cursor_));
  if (text.starts_with("\xEF\xBB\xBF")) cursor_ += 3;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    line_ = 1;
    fail("the text is UTF-16; save it as UTF-8");
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const std::string_view before = text.substr(0, nul);
    line_ = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
    fail("there is a NUL byte; a list must be plain text");
  }
  has_returns_ = text.find('\r') != std::string_view::npos;
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  if (lines > std::int64_t{std::numeric_limits<std::int32_t>::max()}) {
    throw Error(ErrorCode::unsupported, name_ + " has more than 2^31 lines; split it");
  }
  table_.rows.reserve(static_cast<std::size_t>(lines));
}

// The next line that is neither blank nor a comment.
bool ListParser::next_line(Field& line) {
  while (cursor_ != end_) {
    ++line_;
    line = {cursor_, end_};
    if (char* newline = line.find('\n')) line.end = newline;
    cursor_ = line.end == end_ ? end_ : line.end + 1;
    if (has_returns_) {
      if (!line.empty() && line.end[-1] == '\r') --line.end;
      if (line.find('\r')) fail("there is a carriage return in the line; end lines by LF or CRLF");
    }
    Field text = line;
    text.trim();
    if (!text.empty() && *text.begin != '#') return true;
  }
  return false;
}

// Takes a quoted field from the front, and rewrites it in place to what it stands for.
Field ListParser::take_quoted(Field& rest) const {
  char* out = rest.begin;
  for (char* in = rest.begin + 1; in != rest.end; ++in) {
    if (*in == '"') {
      if (in + 1 == rest.end || in[1] != '"') {
        const Field field{rest.begin, out};
        rest.begin = in + 1;
        return field;
      }
      ++in;
    }
    *out++ = *in;
  }
  fail("a quote is not closed; within quotes, write \"\" for a quote");
}

// Takes a field and the separator after it from the front; `more`: there was a separator.
Field ListParser::take_field(Field& rest, bool& more) const {
  while (!rest.empty() && is_blank(*rest.begin) && *rest.begin != separator_) ++rest.begin;
  Field field{rest.begin, rest.end};
  if (!rest.empty() && *rest.begin == '"') {
    field = take_quoted(rest);
    while (!rest.empty() && is_blank(*rest.begin) && *rest.begin != separator_) ++rest.begin;
    more = !rest.empty();
    if (more && *rest.begin != separator_) {
      fail("there is text after a closing quote; within quotes, write \"\" for a quote");
    }
  } else {
    char* separator = separator_ ? rest.find(separator_) : nullptr;
    more = separator != nullptr;
    rest.begin = field.end = more ? separator : rest.end;
    field.trim();
  }
  if (more) ++rest.begin;
  return field;
}

// All fields of a line, which stays as it is.
std::vector<std::string> ListParser::cells_of(Field line) const {
  line.trim();
  std::string copy(line.view());
  Field rest{copy.data(), copy.data() + copy.size()};
  std::vector<std::string> cells;
  for (bool more = true; more;) {
    const Field cell = take_field(rest, more);
    if (separator_ != ' ' || !cell.empty()) cells.emplace_back(cell.view());
  }
  return cells;
}

// Learns from the first line how the list is written. True: it is a header, and no row.
bool ListParser::read_layout(Field line) {
  Field text = line;
  text.trim();
  separator_ = separator_of(text.view());
  const std::vector<std::string> cells = cells_of(line);
  bool any_known = false;
  bool any_image = false;
  for (const std::string& cell : cells) {
    any_known |= role_of_column(cell) != ColumnRole::unknown;
    any_image |= has_image_suffix(cell);
  }
  if (any_known && !any_image) {
    read_header(cells);
    return true;
  }
  if (has_image_suffix(cells.back()) && cells.size() > 1) {
    // "my cat.jpg": a path with spaces, in a list of paths.
    if (separator_ == ' ') {
      separator_ = 0;
    } else {
      fail("the label '" + cells.back() +
           "' looks like a file; write path, then label, and put a path that contains commas or "
           "tabs in quotes");
    }
  }
  return false;
}

void ListParser::read_header(const std::vector<std::string>& columns) {
  std::vector<ColumnRole> roles;
  for (const std::string& column : columns) roles.push_back(role_of_column(column));
  const auto count = [&](ColumnRole role) { return std::count(roles.begin(), roles.end(), role); };
  const bool simple = columns.size() <= 2 && count(ColumnRole::value) + count(ColumnRole::tags) +
                                                     count(ColumnRole::weight) +
                                                     count(ColumnRole::split) +
                                                     count(ColumnRole::target) ==
                                                 0;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const auto kind = [&](std::size_t c) {
        return roles[c] == ColumnRole::tags ? ColumnRole::label : roles[c];
      };
      const bool may_be_several = kind(i) == ColumnRole::unknown || kind(i) == ColumnRole::value ||
                                  kind(i) == ColumnRole::target;
      if (kind(i) != kind(k) || may_be_several) continue;
      fail("the header names '" + columns[k] + "' and '" + columns[i] +
           "'; a list has one path, one label, one weight and one split");
    }
  }
  if (!simple) {
    read_wide_header(columns, std::move(roles));
    return;
  }
  const auto is = [&](ColumnRole role, std::size_t i) {
    return i < roles.size() && roles[i] == role;
  };
  label_first_ = is(ColumnRole::label, 0) || is(ColumnRole::path, 1);
  if (columns.size() == 1) {
    if (label_first_) fail("the header names labels and no paths");
    separator_ = 0;
  }
}

// A header of more than a path and a label: what no name tells are numbers to be predicted, if
// there is no label.
void ListParser::read_wide_header(const std::vector<std::string>& columns,
                                  std::vector<ColumnRole> roles) {
  const auto has = [&](ColumnRole role) {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
  };
  if (!has(ColumnRole::path)) fail("the header names no column of paths: call it 'path'");
  if (separator_ == ' ') fail("a list of more than two columns is separated by commas or tabs");
  if (!has(ColumnRole::label) && !has(ColumnRole::tags) && !has(ColumnRole::value)) {
    std::replace(roles.begin(), roles.end(), ColumnRole::unknown, ColumnRole::value);
  }
  if (has(ColumnRole::value) && (has(ColumnRole::label) || has(ColumnRole::tags))) {
    fail("the header names both a label and values; leave one away");
  }
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (roles[i] != ColumnRole::target) continue;
    table_.columns.emplace_back(columns[i]);
    for (std::size_t k = 0; k + 1 < table_.columns.size(); ++k) {
      if (table_.columns[k].field().name != table_.columns.back().field().name) continue;
      fail("the header's '" + columns[i] + "' means what another column does; leave one away");
    }
  }
  roles_ = std::move(roles);
  columns_ = columns;
}

ListParser::Row ListParser::split(Field line) const {
  bool more = false;
  Row row;
  row.path = take_field(line, more);
  if (!more) fail_columns(1);
  row.label = take_field(line, more);
  if (more)
    fail_columns(2 + static_cast<std::size_t>(std::count(line.begin, line.end, separator_)) + 1);
  if (label_first_) std::swap(row.path, row.label);
  return row;
}

// Paths may contain spaces: the last one separates.
ListParser::Row ListParser::split_at_space(Field line) const {
  line.trim();
  bool more = false;
  Row row;
  if (label_first_) {
    row.label = take_field(line, more);
    line.trim();
    row.path = !line.empty() && *line.begin == '"' ? take_field(line, more) : line;
    if (row.path.empty()) fail_columns(1);
    return row;
  }
  if (*line.begin == '"') {
    row.path = take_field(line, more);
  } else {
    const std::string_view text = line.view();
    const std::size_t split = text.back() == '"' ? text.find(" \"") : text.find_last_of(" \t");
    if (split == std::string_view::npos) fail_columns(1);
    row.path = {line.begin, line.begin + split};
    row.path.trim();
    line.begin += split;
  }
  line.trim();
  if (line.empty()) fail_columns(1);
  row.label = take_field(line, more);
  if (more) fail_columns(3);
  return row;
}

ListParser::Row ListParser::whole_line(Field line) const {
  line.trim();
  bool more = false;
  const bool quoted = *line.begin == '"';
  const Row row{take_field(line, more), {}};
  if (quoted) return row;
  const std::string_view path = row.path.view();
  const std::size_t space = path.find_last_of(' ');
  if (path.find_first_of(",\t") != std::string_view::npos ||
      (space != std::string_view::npos && has_image_suffix(path.substr(0, space)) &&
       !has_image_suffix(path))) {
    fail_columns(2);
  }
  return row;
}

// A row of a list with a wide header.
void ListParser::add_wide(Field line) {
  std::vector<Field> cells;
  for (bool more = true; more;) cells.push_back(take_field(line, more));
  if (cells.size() != roles_.size()) {
    fail("the line has " + std::to_string(cells.size()) + " columns where the header has " +
         std::to_string(roles_.size()) + "; put a path that contains commas or tabs in quotes");
  }
  const auto at = [&](ColumnRole role) -> const Field* {
    const auto found = std::find(roles_.begin(), roles_.end(), role);
    return found == roles_.end() ? nullptr
                                 : &cells[static_cast<std::size_t>(found - roles_.begin())];
  };
  if (!split_.empty()) {
    const Field* const part = at(ColumnRole::split);
    if (part == nullptr) fail("the list has no column 'split' to take '" + split_ + "' of");
    if (part->view() != split_) return;
  }
  if (const Field* const label = at(ColumnRole::label)) {
    if (label->empty()) fail("the row has no label; give every row one, or none");
    row_labels_.add_class(label->view(), line_);
  } else if (const Field* const tags = at(ColumnRole::tags)) {
    add_tags(tags->view());
  } else {
    add_values(cells);
  }
  if (const Field* const weight = at(ColumnRole::weight)) {
    double value = 0;
    if (!parse_number(weight->view(), value)) fail("the weight is no number");
    row_labels_.add_weight(value, line_);
  }
  add_row({*at(ColumnRole::path), {}});
  add_targets(cells);
}

void ListParser::add_targets(const std::vector<Field>& cells) {
  auto column = table_.columns.begin();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (roles_[i] != ColumnRole::target) continue;
    const std::string fault = column->add(cells[i].view(), offset_of(cells[i]));
    if (!fault.empty()) fail(fault);
    if (column->is_file()) *cells[i].end = '\0';  // over what ended the name
    ++column;
  }
}

void ListParser::add_tags(std::string_view text) {
  constexpr std::string_view separators = ";| ";
  std::vector<std::string_view> tags;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    if (end > begin) tags.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  row_labels_.add_tags(tags, line_);
}

void ListParser::add_values(const std::vector<Field>& cells) {
  std::vector<float> values;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (roles_[i] != ColumnRole::value) continue;
    double value = 0;
    if (!parse_number(cells[i].view(), value)) {
      fail("'" + std::string(cells[i].view()) + "' in the column '" + columns_[i] +
           "' is no number; call a column of classes 'label'");
    }
    values.push_back(static_cast<float>(value));
  }
  if (values.empty()) {
    row_labels_.add_nothing(line_);
  } else {
    row_labels_.add_values(values, line_);
  }
}

void ListParser::add_row(const Row& row) {
  if (row.path.empty()) fail("there is no path");
  if (row.path.view().size() > longest_path) {
    fail("the path is " + std::to_string(row.path.view().size()) +
         " bytes long; is a line end missing?");
  }
  ImageFileRow entry;
  entry.offset = offset_of(row.path);
  entry.length = static_cast<std::uint32_t>(row.path.view().size());
  entry.line = line_;
  if (separator_ && roles_.empty()) {
    if (row.label.empty()) {
      fail(std::string(row.path.view()) + " has no label; give every row one, or none");
    }
    entry.label = labels_.intern(row.label.view(), line_);
  }
  *row.path.end = '\0';  // over what ended the path
  table_.rows.push_back(entry);
}

ImageFileTable ListParser::run(const std::vector<std::string>& expected_classes) && {
  check_text();
  Field line;
  bool more = next_line(line);
  if (more && read_layout(line)) more = next_line(line);
  if (!more) {
    throw Error(ErrorCode::corrupt_data,
                name_ + " has no rows; write one image a line: path,label");
  }
  if (roles_.empty() && !split_.empty()) {
    fail("the list has no column 'split' to take '" + split_ + "' of");
  }
  for (; more; more = next_line(line)) {
    if (!roles_.empty()) {
      add_wide(line);
      continue;
    }
    add_row(separator_ == 0     ? whole_line(line)
            : separator_ == ' ' ? split_at_space(line)
                                : split(line));
  }
  if (!roles_.empty()) {
    if (table_.rows.empty()) {
      throw Error(ErrorCode::corrupt_data, name_ + " has no rows of split '" + split_ + "'");
    }
    for (ListColumn& column : table_.columns) column.finish();
    std::move(row_labels_).finish(table_, expected_classes);
    return std::move(table_);
  }
  table_.labelled = separator_ != 0;
  if (table_.labelled) resolve_classes(labels_, name_, expected_classes, table_);
  return std::move(table_);
}

}  // namespace

ImageFileTable parse_list(std::vector<std::byte> text, const std::string& name,
                          const std::vector<std::string>& expected_classes,
                          const std::string& split) {
  return ListParser(std::move(text), name, split).run(expected_classes);
}

}  // namespace headrace
