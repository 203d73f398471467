#include "headrace/train/layers/concatenate.h"

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"

namespace headrace {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

bool agree_except(std::size_t axis, const Shape& a, const Shape& b) {
  if (a.rank() != b.rank()) return false;
  for (std::size_t i = 0; i < a.rank(); ++i) {
    if (i != axis && a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace

std::shared_ptr<const Layer> Concatenate::from(const Attributes& attributes) {
  AttributeReader read("Concatenate", attributes);
  const std::int64_t axis = read.integer("axis", -1);
  read.finish();
  return std::make_shared<Concatenate>(axis);
}

std::size_t Concatenate::axis_of(std::size_t rank) const {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  const std::int64_t axis = axis_ < 0 ? signed_rank + axis_ : axis_ - 1;
  if (axis < 0 || axis >= signed_rank) {
    fail("a sample with " + std::to_string(rank) + " axes cannot be joined along axis " +
         std::to_string(axis_) + " (0 is the batch)");
  }
  return static_cast<std::size_t>(axis);
}

Shape Concatenate::output_shape(std::span<const Shape> inputs) const {
  if (inputs.size() < 2) {
    fail("joins at least two inputs, got " + std::to_string(inputs.size()));
  }
  const std::size_t axis = axis_of(inputs[0].rank());
  std::vector<std::int64_t> extents = inputs[0].extents();
  for (const Shape& input : inputs.subspan(1)) {
    if (!agree_except(axis, inputs[0], input)) {
      fail("its inputs differ in more than axis " + std::to_string(axis_) + ": " +
           inputs[0].to_string() + " and " + input.to_string());
    }
    extents[axis] += input[axis];
  }
  return Shape(std::move(extents));
}

}  // namespace headrace
