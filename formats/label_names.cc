#include "headrace/formats/label_names.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

// The whole number that all of `text` is; numbers of any length count, as very large.
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return {};
  if (error == std::errc::result_out_of_range) {
    value = text.front() == '-' ? INT64_MIN : INT64_MAX;
  }
  return value;
}

bool any_is_number(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), is_whole_number);
}

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::corrupt_data, where + ": " + what);
}

std::string quoted(std::string_view label) {
  constexpr std::size_t longest = 60;
  return "'" + std::string(label.substr(0, longest)) + (label.size() > longest ? "..." : "") + "'";
}

}  // namespace

bool parse_number(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() &&
         std::abs(value) <= std::numeric_limits<float>::max();
}

bool is_whole_number(std::string_view text) { return whole_number(text).has_value(); }

std::vector<std::string> number_names(std::size_t count) {
  std::vector<std::string> names(count);
  for (std::size_t i = 0; i < count; ++i) names[i] = std::to_string(i);
  return names;
}

std::string list_classes(const std::vector<std::string>& classes) {
  constexpr std::size_t most_shown = 8;
  std::string text = " (";
  for (std::size_t i = 0; i < std::min(classes.size(), most_shown); ++i) {
    text += (i > 0 ? ", " : "") + classes[i];
  }
  return text + (classes.size() > most_shown ? ", ...)" : ")");
}

std::int32_t class_index(std::string_view label, const std::vector<std::string>& expected) {
  const auto found = std::find(expected.begin(), expected.end(), label);
  if (found != expected.end()) return static_cast<std::int32_t>(found - expected.begin());
  const auto number = whole_number(label);
  if (!number || *number < 0 || *number >= static_cast<std::int64_t>(expected.size()) ||
      any_is_number(expected)) {
    return -1;
  }
  return static_cast<std::int32_t>(*number);
}

std::int32_t LabelNames::intern(std::string_view text, std::uint32_t line) {
  // Lists are often sorted by class.
  if (last_ >= 0 && entries_[static_cast<std::size_t>(last_)].text == text) return last_;
  const auto [place, is_new] =
      numbers_.try_emplace(text, static_cast<std::int32_t>(entries_.size()));
  if (is_new) entries_.push_back({text, line});
  return last_ = place->second;
}

std::vector<float> LabelNames::decimals() const {
  std::vector<float> values;
  bool all_whole = true;
  for (const Entry& entry : entries_) {
    double value = 0;
    if (!parse_number(entry.text, value)) return {};
    all_whole = all_whole && is_whole_number(entry.text);
    values.push_back(static_cast<float>(value));
  }
  return all_whole ? std::vector<float>() : values;
}

LabelNames::Classes LabelNames::resolve(const Where& where,
                                        const std::vector<std::string>& expected) const {
  Classes classes;
  classes.of_number.resize(entries_.size());
  if (!expected.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      classes.of_number[i] = class_index(entries_[i].text, expected);
      if (classes.of_number[i] < 0) {
        refuse(where(entries_[i].line),
               "label " + quoted(entries_[i].text) + " is not one of the " +
                   std::to_string(expected.size()) + " classes" + list_classes(expected));
      }
    }
    classes.names = expected;
    return classes;
  }

  std::vector<std::int64_t> values;
  for (const Entry& entry : entries_) {
    const auto number = whole_number(entry.text);
    if (!number) break;
    values.push_back(*number);
  }
  if (values.size() == entries_.size()) {
    std::int64_t largest = -1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0 || values[i] >= most_classes) {
        refuse(where(entries_[i].line),
               "label " + quoted(entries_[i].text) +
                   (values[i] < 0 ? " is negative" : " is too large") +
                   "; class numbers are 0 .. 999999, other labels must be names");
      }
      classes.of_number[i] = static_cast<std::int32_t>(values[i]);
      largest = std::max(largest, values[i]);
    }
    classes.names = number_names(static_cast<std::size_t>(largest + 1));
    return classes;
  }

  std::vector<std::size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [this](std::size_t a, std::size_t b) { return entries_[a].text < entries_[b].text; });
  for (std::size_t i = 0; i < order.size(); ++i) {
    classes.of_number[order[i]] = static_cast<std::int32_t>(i);
    classes.names.emplace_back(entries_[order[i]].text);
  }
  return classes;
}

}  // namespace headrace
