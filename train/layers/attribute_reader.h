#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/train/layer.h"
#include "headrace/train/layers/window.h"

namespace headrace {

// Reads a layer's attributes one by one, with defaults, and notices those nobody asked for.
// All functions throw Error{invalid_argument} naming the layer kind and the attribute.
class AttributeReader {
 public:
  AttributeReader(std::string_view kind, const Attributes& attributes);

  std::int64_t integer(const std::string& name);  // required
  std::int64_t integer(const std::string& name, std::int64_t otherwise);
  Extent2 extent(const std::string& name);  // an integer, or a pair of height and width; required
  Extent2 extent(const std::string& name, Extent2 otherwise);
  std::vector<std::int64_t> integers(const std::string& name);  // one, or a list; required
  double number(const std::string& name, double otherwise);
  bool flag(const std::string& name, bool otherwise);
  std::string text(const std::string& name, const std::string& otherwise);
  Initializer initializer(const std::string& name, const Initializer& otherwise);
  // Requires that every attribute was read.
  void finish() const;

 private:
  bool has(const std::string& name) const { return unread_.count(name) > 0; }
  const AttributeValue* find(const std::string& name);
  [[noreturn]] void fail(const std::string& what) const;

  std::string kind_;
  Attributes unread_;
  AttributeValue found_;
};

// As attributes have it.
inline std::vector<std::int64_t> as_list(Extent2 extent) { return {extent.height, extent.width}; }

}  // namespace headrace
