#include "headrace/train/layers/attribute_reader.h"

#include "headrace/pipeline/error.h"

namespace headrace {

AttributeReader::AttributeReader(std::string_view kind, const Attributes& attributes)
    : kind_(kind), unread_(attributes) {}

void AttributeReader::fail(const std::string& what) const {
  throw Error(ErrorCode::invalid_argument, kind_ + ": " + what);
}

const AttributeValue* AttributeReader::find(const std::string& name) {
  const auto at = unread_.find(name);
  if (at == unread_.end()) return nullptr;
  found_ = at->second;
  unread_.erase(at);
  return &found_;
}

std::int64_t AttributeReader::integer(const std::string& name) {
  const AttributeValue* value = find(name);
  if (value == nullptr) fail("attribute " + name + " is missing");
  if (const auto* number = std::get_if<std::int64_t>(value)) return *number;
  fail("attribute " + name + " must be an integer");
}

std::int64_t AttributeReader::integer(const std::string& name, std::int64_t otherwise) {
  return has(name) ? integer(name) : otherwise;
}

std::vector<std::int64_t> AttributeReader::integers(const std::string& name) {
  const AttributeValue* value = find(name);
  if (value == nullptr) fail("attribute " + name + " is missing");
  if (const auto* number = std::get_if<std::int64_t>(value)) return {*number};
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(value)) return *list;
  fail("attribute " + name + " must be a list of integers");
}

Extent2 AttributeReader::extent(const std::string& name) {
  const std::vector<std::int64_t> list = integers(name);
  if (list.size() == 1) return list[0];
  if (list.size() == 2) return {list[0], list[1]};
  fail("attribute " + name + " must be an integer or a pair of integers");
}

Extent2 AttributeReader::extent(const std::string& name, Extent2 otherwise) {
  return has(name) ? extent(name) : otherwise;
}

double AttributeReader::number(const std::string& name, double otherwise) {
  const AttributeValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(value)) return static_cast<double>(*number);
  fail("attribute " + name + " must be a number");
}

bool AttributeReader::flag(const std::string& name, bool otherwise) {
  const AttributeValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto* flag = std::get_if<bool>(value)) return *flag;
  fail("attribute " + name + " must be true or false");
}

std::string AttributeReader::text(const std::string& name, const std::string& otherwise) {
  const AttributeValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto* text = std::get_if<std::string>(value)) return *text;
  fail("attribute " + name + " must be text");
}

Initializer AttributeReader::initializer(const std::string& name, const Initializer& otherwise) {
  if (!has(name)) return otherwise;
  try {
    return Initializer::of(text(name, ""));
  } catch (const Error& error) {
    throw error.with_context(kind_ + ": attribute " + name);
  }
}

void AttributeReader::finish() const {
  if (!unread_.empty()) fail("unknown attribute " + unread_.begin()->first);
}

}  // namespace headrace
