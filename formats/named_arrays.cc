#include "headrace/formats/named_arrays.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "headrace/formats/label_names.h"
#include "headrace/formats/resident.h"
#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

[[noreturn]] void corrupt(const std::string& what) { throw Error(ErrorCode::corrupt_data, what); }

// What files call the arrays of a part of their data: "train", "test", ...
std::vector<ArrayNames> names_of_part(const std::string& part) {
  return {{"x_" + part, "y_" + part},
          {part + "_images", part + "_labels"},
          {"X_" + part, "y_" + part},
          {"X_" + part, "Y_" + part}};
}

bool is_empty(std::span<const std::int64_t> shape) {
  return std::find(shape.begin(), shape.end(), 0) != shape.end();
}

}  // namespace

void ArrayLabels::describe(DatasetInfo& info) const {
  info.classes = names;
  if (!classes.empty()) {
    info.fields.push_back({"label", FieldKind::class_label, ElementType::i32, {}});
  } else if (width != 0) {
    info.fields.push_back(
        {"label", FieldKind::values, ElementType::f32, {static_cast<std::int64_t>(width)}});
  }
}

void ArrayLabels::put(std::int64_t index, Record& into) const {
  const auto place = static_cast<std::size_t>(index);
  if (!classes.empty()) {
    into.values[1].bytes = std::as_bytes(std::span(classes).subspan(place, 1));
  } else if (width != 0) {
    into.values[1].bytes = std::as_bytes(std::span(targets).subspan(place * width, width));
  }
}

std::int64_t ArrayLabels::label(std::int64_t index) const {
  const auto place = static_cast<std::size_t>(index);
  if (!classes.empty()) return classes[place];
  if (width == 0) return -1;
  const auto row = std::span(targets).subspan(place * width, width);
  return std::max_element(row.begin(), row.end()) - row.begin();
}

void ArrayLabels::add_to(Fingerprint& hash) const {
  for (const std::string& name : names) hash.add(name);
  hash.add(std::as_bytes(std::span(classes))).add(std::as_bytes(std::span(targets)));
}

ArrayNames choose_arrays(const std::string& path, std::string_view choice,
                         const std::function<bool(const std::string&)>& has) {
  if (const std::size_t comma = choice.find(','); comma != std::string_view::npos) {
    return {std::string(choice.substr(0, comma)), std::string(choice.substr(comma + 1))};
  }
  std::vector<ArrayNames> candidates;
  if (!choice.empty()) {
    const std::string wanted(choice);
    if (has(wanted)) return {wanted, ""};
    candidates = names_of_part(wanted);
  } else {
    candidates = names_of_part("train");
    candidates.insert(candidates.end(), {{"images", "labels"},
                                         {"image", "label"},
                                         {"x", "y"},
                                         {"X", "y"},
                                         {"data", "labels"},
                                         {"data", "label"},
                                         {"data", "target"},
                                         {"arr_0", "arr_1"}});
  }
  for (const ArrayNames& names : candidates) {
    if (has(names.images) && has(names.labels)) return names;
  }
  throw Error(ErrorCode::invalid_argument,
              path +
                  (choice.empty() ? ": it has no x_train and y_train, nor images and labels"
                                  : ": it has no part '" + std::string(choice) + "'") +
                  ": say which arrays are meant, as in " + path + "#images,labels");
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (const std::int64_t extent : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  }
  return text + ")";
}

ImageShape image_shape_of(const std::string& name, std::span<const std::int64_t> shape) {
  if (shape.size() != 3 && shape.size() != 4) {
    corrupt(name +
            ": images are of shape (n, height, width) or (n, height, width, channels), and not " +
            shape_text(shape));
  }
  if (is_empty(shape)) corrupt(name + ": there are no images");
  if (shape.size() == 4 && shape[3] > 4 && shape[1] <= 4) {
    throw Error(ErrorCode::unsupported, name + " of shape " + shape_text(shape) +
                                            " has its channels first: save "
                                            "numpy.ascontiguousarray(it.transpose(0, 2, 3, 1))");
  }
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (std::any_of(shape.begin() + 1, shape.end(), [](std::int64_t e) { return e > most; })) {
    corrupt(name + ": an image has more than 2^31 rows, columns or channels");
  }
  return {static_cast<int>(shape[1]), static_cast<int>(shape[2]),
          shape.size() == 4 ? static_cast<int>(shape[3]) : 1};
}

bool is_label_each(const std::string& name, std::span<const std::int64_t> shape,
                   std::int64_t images) {
  if (shape.empty() || shape.size() > 2 || is_empty(shape)) {
    corrupt(name + ": labels are of shape (n) or (n, values), and not " + shape_text(shape));
  }
  if (shape[0] != images) {
    corrupt(name + ": there are " + std::to_string(shape[0]) + " labels for " +
            std::to_string(images) + " images");
  }
  return shape.size() == 1 || shape[1] == 1;
}

ArrayLabels labels_of_numbers(const std::string& name, std::span<const std::int64_t> values,
                              const std::vector<std::string>& expected) {
  ArrayLabels labels;
  labels.classes.reserve(values.size());
  std::int64_t largest = -1;
  for (const std::int64_t value : values) {
    if (value < 0 || value >= most_classes) {
      corrupt(name + ": record " + std::to_string(labels.classes.size()) + " has label " +
              std::to_string(value) + "; class numbers are 0 .. 999999");
    }
    labels.classes.push_back(static_cast<std::int32_t>(value));
    largest = std::max(largest, value);
  }
  labels.names = number_names(static_cast<std::size_t>(largest + 1));
  if (!expected.empty()) {
    map_labels(name, labels.classes, labels.names, expected);
    labels.names = expected;
  }
  return labels;
}

ArrayLabels labels_of_values(std::vector<float> values, std::int64_t images) {
  ArrayLabels labels;
  labels.width = values.size() / static_cast<std::size_t>(images);
  labels.targets = std::move(values);
  return labels;
}

ArrayLabels labels_of_texts(const std::string& name, std::span<const std::string> values,
                            const std::vector<std::string>& expected) {
  LabelNames texts;
  ArrayLabels labels;
  labels.classes.reserve(values.size());
  for (const std::string& value : values) {
    labels.classes.push_back(
        texts.intern(value, static_cast<std::uint32_t>(labels.classes.size())));
  }
  LabelNames::Classes classes = texts.resolve(
      [&](std::uint32_t record) { return name + ": record " + std::to_string(record); }, expected);
  for (std::int32_t& label : labels.classes) {
    label = classes.of_number[static_cast<std::size_t>(label)];
  }
  labels.names = std::move(classes.names);
  return labels;
}

}  // namespace headrace
