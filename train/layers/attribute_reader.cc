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

std::array<std::int64_t, 2> AttributeReader::pair(const std::string& name,
                                                  std::array<std::int64_t, 2> otherwise) {
  const AttributeValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto* number = std::get_if<std::int64_t>(value)) return {*number, *number};
  const auto* list = std::get_if<std::vector<std::int64_t>>(value);
  if (list == nullptr || list->size() != 2) {
    fail("attribute " + name + " must be an integer or a pair of integers");
  }
  return {(*list)[0], (*list)[1]};
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

void AttributeReader::finish() const {
  if (!unread_.empty()) fail("unknown attribute " + unread_.begin()->first);
}

}  // namespace headrace
