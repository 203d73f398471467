#include "headrace/augment/operation.h"

namespace headrace {

Geometry::Geometry(ImageSize source_size, ImageSize output_size)
    : source(source_size), output(output_size) {
  source_from_output.xx = static_cast<double>(source.width) / output.width;
  source_from_output.yy = static_cast<double>(source.height) / output.height;
}

void Geometry::apply(const AffineMap& old_from_new) {
  source_from_output = source_from_output.after(old_from_new);
}

const Operation* find_operation(std::string_view name) {
  for (const Operation& operation : operations()) {
    if (operation.parameter.name == name) return &operation;
  }
  return nullptr;
}

}  // namespace headrace
