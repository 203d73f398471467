#include "headrace/train/layers/zero_padding2d.h"

#include <algorithm>

#include "headrace/pipeline/error.h"
#include "headrace/train/layers/attribute_reader.h"
#include "headrace/train/layers/single_input.h"

namespace headrace {
namespace {

constexpr std::int64_t most = 1 << 16;

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

}  // namespace

ZeroPadding2D::ZeroPadding2D(const Border& border) : border_(border) {
  for (std::int64_t side : {border.top, border.bottom, border.left, border.right}) {
    if (side < 0 || side > most) {
      fail("ZeroPadding2D: padding must be between 0 and " + std::to_string(most) + ", not " +
           std::to_string(side));
    }
  }
}

std::shared_ptr<const Layer> ZeroPadding2D::from(const Attributes& attributes) {
  AttributeReader read("ZeroPadding2D", attributes);
  const std::vector<std::int64_t> list = read.integers("padding");
  read.finish();
  switch (list.size()) {
    case 1: return std::make_shared<ZeroPadding2D>(Extent2(list[0]));
    case 2: return std::make_shared<ZeroPadding2D>(Extent2(list[0], list[1]));
    case 4: return std::make_shared<ZeroPadding2D>(Border{list[0], list[1], list[2], list[3]});
    default: fail("ZeroPadding2D: attribute padding must be 1, 2 or 4 integers");
  }
}

Shape ZeroPadding2D::output_shape(std::span<const Shape> inputs) const {
  const Shape& input = single_input(inputs);
  if (input.rank() != 3) {
    fail("needs an image (height, width, channels), got " + input.to_string());
  }
  return {border_.top + input[0] + border_.bottom, border_.left + input[1] + border_.right,
          input[2]};
}

Attributes ZeroPadding2D::attributes() const {
  return {{"padding", std::vector{border_.top, border_.bottom, border_.left, border_.right}}};
}

}  // namespace headrace
