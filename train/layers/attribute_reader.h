#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/train/layer.h"

namespace headrace {

// Reads a layer's attributes one by one, with defaults, and notices those nobody asked for.
// All functions throw Error{invalid_argument} naming the layer kind and the attribute.
class AttributeReader {
 public:
  AttributeReader(std::string_view kind, const Attributes& attributes);

  std::int64_t integer(const std::string& name);  // required
  std::array<std::int64_t, 2> pair(const std::string& name, std::array<std::int64_t, 2> otherwise);
  double number(const std::string& name, double otherwise);
  bool flag(const std::string& name, bool otherwise);
  std::string text(const std::string& name, const std::string& otherwise);
  // Requires that every attribute was read.
  void finish() const;

 private:
  const AttributeValue* find(const std::string& name);
  [[noreturn]] void fail(const std::string& what) const;

  std::string kind_;
  Attributes unread_;
  AttributeValue found_;
};

}  // namespace headrace
