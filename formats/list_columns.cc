#include "headrace/formats/list_columns.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "headrace/formats/column_names.h"
#include "headrace/pipeline/fingerprint.h"
#include "headrace/pipeline/targets.h"

namespace headrace {
namespace {

struct TargetName {
  std::string_view name;
  FieldTarget target;
};

constexpr std::array<TargetName, 11> target_names = {{{"mask", FieldTarget::mask},
                                                      {"mask_path", FieldTarget::mask},
                                                      {"segmentation", FieldTarget::mask},
                                                      {"image2", FieldTarget::pair},
                                                      {"image_2", FieldTarget::pair},
                                                      {"pair", FieldTarget::pair},
                                                      {"boxes", FieldTarget::boxes},
                                                      {"bboxes", FieldTarget::boxes},
                                                      {"points", FieldTarget::points},
                                                      {"keypoints", FieldTarget::points},
                                                      {"key_points", FieldTarget::points}}};

constexpr std::int64_t box_values = sizeof(Box) / sizeof(float);
constexpr std::int64_t point_values = sizeof(KeyPoint) / sizeof(float);

FieldTarget target_of(std::string_view name) {
  const std::string key = column_key(name);
  for (const TargetName& known : target_names) {
    if (known.name == key) return known.target;
  }
  return FieldTarget::none;
}

// What batches call it.
const char* field_name(FieldTarget target) {
  switch (target) {
    case FieldTarget::pair: return "image2";
    case FieldTarget::boxes: return "boxes";
    case FieldTarget::points: return "points";
    default: return "mask";
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// The numbers of a text, with blanks between them; nothing if something else is there.
std::optional<std::vector<float>> numbers_of(std::string_view text) {
  std::vector<float> numbers;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    float number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, number);
    const bool ends_well = stop == end || *stop == ' ' || *stop == '\t';
    if (fault != std::errc{} || !ends_well || !std::isfinite(number)) return std::nullopt;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  }
  return numbers;
}

// The parts of a text between semicolons; none of one that is empty.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  text = trimmed(text);
  for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    parts.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (!parts.empty() && parts.back().empty()) parts.pop_back();  // one too many at the end
  return parts;
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

ListColumn::ListColumn(std::string_view name) {
  field_.target = target_of(name);
  const bool file = field_.target == FieldTarget::mask || field_.target == FieldTarget::pair;
  field_.name = field_name(field_.target);
  field_.kind = file ? FieldKind::encoded_image : FieldKind::values;
  field_.type = file ? ElementType::u8 : ElementType::f32;
}

bool ListColumn::is_target(std::string_view name) { return target_of(name) != FieldTarget::none; }

std::string ListColumn::add(std::string_view cell, std::uint64_t offset) {
  if (is_file()) {
    offsets_.push_back(offset);
    return cell.empty() ? "there is no file in column '" + field_.name + "'" : std::string();
  }
  for (const std::string_view part : parts_of(cell)) {
    const bool nothing = part.empty() || part == "-";
    const auto numbers = nothing ? std::vector<float>{} : numbers_of(part);
    const std::string fault = numbers ? add_one(*numbers) : wrong_form();
    if (fault.empty()) continue;
    return "column '" + field_.name + "': " + quoted(part) + fault +
           (field_.target == FieldTarget::boxes ? "" : ", or - for one that is not known") +
           ", and a semicolon between " + field_.name;
  }
  end_row();
  return {};
}

std::string ListColumn::add_one(std::span<const float> numbers) {
  return field_.target == FieldTarget::boxes ? add_box(numbers) : add_point(numbers);
}

std::string ListColumn::wrong_form() const {
  return field_.target == FieldTarget::boxes ? " is no box; write left top right bottom class"
                                             : " is no point; write x y";
}

std::string ListColumn::add_box(std::span<const float> box) {
  if (box.size() != 4 && box.size() != 5) return wrong_form();
  if (box[0] > box[2] || box[1] > box[3]) {
    return " ends before it begins; write left top right bottom, in pixels";
  }
  numbers_.insert(numbers_.end(), box.begin(), box.begin() + 4);
  numbers_.push_back(box.size() == 5 ? box[4] : 0);
  numbers_.push_back(1);
  return {};
}

std::string ListColumn::add_point(std::span<const float> point) {
  if (!point.empty() && point.size() != 2) return wrong_form();
  const bool unknown = point.empty();
  numbers_.insert(numbers_.end(),
                  {unknown ? 0.0f : point[0], unknown ? 0.0f : point[1], unknown ? 0.0f : 1.0f});
  return {};
}

void ListColumn::finish() {
  if (is_file()) return;
  std::size_t most = 0;
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    most = std::max(most, static_cast<std::size_t>(ends_[i]) - begin(i));
  }
  const auto values = static_cast<std::int64_t>(most);
  if (field_.target == FieldTarget::boxes) {
    field_.shape = {std::max<std::int64_t>(values / box_values, 1), box_values};
  } else {
    field_.shape = {std::max<std::int64_t>(values / point_values, 1), point_values};
  }
}

void ListColumn::read(std::size_t index, RecordValue& into) const {
  const auto own = std::as_bytes(std::span(numbers_).subspan(
      begin(index), static_cast<std::size_t>(ends_[index]) - begin(index)));
  const std::size_t bytes =
      static_cast<std::size_t>(field_.shape[0] * field_.shape[1]) * sizeof(float);
  if (into.buffer.size() < bytes) into.buffer.resize(bytes);
  if (!own.empty()) std::memcpy(into.buffer.data(), own.data(), own.size());
  const Box no_box;
  const KeyPoint no_point;
  const bool of_boxes = field_.target == FieldTarget::boxes;
  const std::size_t each = of_boxes ? sizeof no_box : sizeof no_point;
  for (std::size_t at = own.size(); at < bytes; at += each) {
    std::memcpy(into.buffer.data() + at,
                of_boxes ? static_cast<const void*>(&no_box) : static_cast<const void*>(&no_point),
                each);
  }
  into.bytes = std::span<const std::byte>(into.buffer).first(bytes);
}

std::uint64_t ListColumn::fingerprint() const {
  Fingerprint hash;
  hash.add(field_.name).add(std::as_bytes(std::span(numbers_)));
  for (const std::uint64_t end : ends_) hash.add(end);
  return hash.value();
}

}  // namespace headrace
