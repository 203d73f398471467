#include "headrace/train/layers/reshape.h"

#include <algorithm>
#include <limits>

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

}  // namespace

Reshape::Reshape(std::vector<std::int64_t> target_shape) : target_shape_(std::move(target_shape)) {
  std::int64_t elements = 1;
  for (std::int64_t extent : target_shape_) {
    if (extent == -1) continue;
    if (extent < 1 || extent > std::numeric_limits<std::int64_t>::max() / elements) {
      fail("Reshape: " + Shape(target_shape_).to_string() + " is no shape of a sample");
    }
    elements *= extent;
  }
  if (std::count(target_shape_.begin(), target_shape_.end(), -1) > 1) {
    fail("Reshape: one extent of " + Shape(target_shape_).to_string() + " at most may be -1");
  }
}

std::shared_ptr<const Layer> Reshape::from(const Attributes& attributes) {
  AttributeReader read("Reshape", attributes);
  std::vector<std::int64_t> shape = read.integers("target_shape");
  read.finish();
  return std::make_shared<Reshape>(std::move(shape));
}

Shape Reshape::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  std::vector<std::int64_t> extents = target_shape_;
  const auto open = std::find(extents.begin(), extents.end(), -1);
  if (open != extents.end()) {
    *open = 1;
    *open = std::max<std::int64_t>(input.elements() / Shape(extents).elements(), 1);
  }
  Shape output(std::move(extents));
  if (output.elements() != input.elements()) {
    fail("the " + std::to_string(input.elements()) + " elements of " + input.to_string() +
         " do not fit " + Shape(target_shape_).to_string());
  }
  return output;
}

}  // namespace headrace
