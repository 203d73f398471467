#include "headrace/train/history.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::string_view header =
    "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,images_per_second";
constexpr std::string_view top_k_header = ",top_k_accuracy,val_top_k_accuracy";
constexpr std::size_t columns = 8;
constexpr std::size_t columns_with_top_k = 10;

void append(std::string& line, double value) {
  std::array<char, 32> text;  // the longest double has 24 characters
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  line.append(text.data(), end);
}

void append(std::string& line, const std::optional<double>& value) {
  if (value) append(line, *value);
}

[[noreturn]] void refuse(std::size_t line, const std::string& what) {
  throw Error(ErrorCode::corrupt_data, "history, line " + std::to_string(line) + ": " + what);
}

template <class T>
T parse(std::string_view cell, std::size_t line) {
  T value{};
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) {
    refuse(line, "'" + std::string(cell) + "' is no number");
  }
  return value;
}

std::optional<double> parse_optional(std::string_view cell, std::size_t line) {
  if (cell.empty()) return std::nullopt;
  return parse<double>(cell, line);
}

EpochRecord parse_record(std::string_view text, std::size_t line, std::size_t wanted) {
  std::array<std::string_view, columns_with_top_k> cells;
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    const std::size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    if (count < cells.size()) cells[count] = text.substr(0, comma);
    text.remove_prefix(more ? comma + 1 : text.size());
  }
  if (count != wanted) {
    refuse(line, std::to_string(count) + " cells where there should be " + std::to_string(wanted));
  }
  const auto epoch = parse<std::uint64_t>(cells[0], line);
  if (epoch == 0) refuse(line, "epoch 0: they are counted from 1");
  return {.epoch = epoch - 1,
          .loss = parse<double>(cells[1], line),
          .accuracy = parse<double>(cells[2], line),
          .val_loss = parse_optional(cells[3], line),
          .val_accuracy = parse_optional(cells[4], line),
          .learning_rate = parse<double>(cells[5], line),
          .seconds = parse<double>(cells[6], line),
          .images_per_second = parse<double>(cells[7], line),
          .top_k_accuracy = parse_optional(cells[8], line),
          .val_top_k_accuracy = parse_optional(cells[9], line)};
}

}  // namespace

std::string to_csv(const History& history) {
  const bool with_top_k = std::any_of(history.begin(), history.end(), [](const EpochRecord& r) {
    return r.top_k_accuracy || r.val_top_k_accuracy;
  });
  std::string csv(header);
  if (with_top_k) csv += top_k_header;
  csv += '\n';
  for (const EpochRecord& record : history) {
    csv += std::to_string(record.epoch + 1);
    const auto cell = [&](const auto& value) {
      csv += ',';
      append(csv, value);
    };
    cell(record.loss);
    cell(record.accuracy);
    cell(record.val_loss);
    cell(record.val_accuracy);
    cell(record.learning_rate);
    cell(record.seconds);
    cell(record.images_per_second);
    if (with_top_k) {
      cell(record.top_k_accuracy);
      cell(record.val_top_k_accuracy);
    }
    csv += '\n';
  }
  return csv;
}

History history_from_csv(const std::string& csv) {
  History history;
  std::size_t wanted = columns;
  std::string_view rest = csv;
  for (std::size_t line = 1; line == 1 || !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (line == 1) {
      if (text == std::string(header) + std::string(top_k_header)) {
        wanted = columns_with_top_k;
      } else if (text != header) {
        refuse(line, "it should read '" + std::string(header) + "'");
      }
    } else if (!text.empty()) {
      history.push_back(parse_record(text, line, wanted));
    }
  }
  return history;
}

}  // namespace headrace
