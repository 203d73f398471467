#include "headrace/train/shape.h"

#include <functional>
#include <numeric>

namespace headrace {

std::int64_t Shape::elements() const {
  return std::accumulate(extents_.begin(), extents_.end(), std::int64_t{1}, std::multiplies<>());
}

std::string Shape::to_string() const {
  std::string text = "(";
  for (std::size_t axis = 0; axis < extents_.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(extents_[axis]);
  }
  return text + ")";
}

}  // namespace headrace
