#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace headrace {

// Extents of a tensor, without the batch dimension; images are {height, width, channels}.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : extents_(extents) {}
  explicit Shape(std::vector<std::int64_t> extents) : extents_(std::move(extents)) {}

  std::size_t rank() const { return extents_.size(); }
  std::int64_t operator[](std::size_t axis) const { return extents_[axis]; }
  std::int64_t elements() const;
  const std::vector<std::int64_t>& extents() const { return extents_; }
  std::string to_string() const;  // "(28, 28, 1)"
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<std::int64_t> extents_;
};

}  // namespace headrace
