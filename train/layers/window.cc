#include "headrace/train/layers/window.h"

#include <algorithm>

#include "headrace/pipeline/error.h"

namespace headrace {
namespace {

constexpr std::int64_t most = 1 << 20;

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

Window::Axis axis(std::int64_t input, std::int64_t size, std::int64_t stride, Padding padding) {
  if (padding == Padding::valid) return {(input - size) / stride + 1, 0, 0};
  const std::int64_t output = (input + stride - 1) / stride;
  const std::int64_t added = std::max<std::int64_t>((output - 1) * stride + size - input, 0);
  return {output, added / 2, added - added / 2};
}

}  // namespace

std::string_view to_string(Padding padding) { return padding == Padding::same ? "same" : "valid"; }

Padding padding_of(std::string_view name) {
  if (name == "valid") return Padding::valid;
  if (name == "same") return Padding::same;
  fail("padding must be \"valid\" or \"same\", not \"" + std::string(name) + "\"");
}

Window::Axis Window::along_height(std::int64_t input) const {
  return axis(input, span().height, strides.height, padding);
}

Window::Axis Window::along_width(std::int64_t input) const {
  return axis(input, span().width, strides.width, padding);
}

Extent2 Window::span() const {
  return {(size.height - 1) * dilation.height + 1, (size.width - 1) * dilation.width + 1};
}

void Window::check() const {
  if (size.height < 1 || size.width < 1) fail("the window must be at least 1 by 1");
  for (const Extent2& extent : {size, strides, dilation}) {
    if (std::max(extent.height, extent.width) <= most) continue;
    fail("windows, strides and dilations go up to " + std::to_string(most));
  }
  if (strides.height < 1 || strides.width < 1) fail("strides must be at least 1");
  if (dilation.height < 1 || dilation.width < 1) fail("dilations must be at least 1");
  if (strides != Extent2(1) && dilation != Extent2(1)) {
    fail("strides and dilations above 1 do not go together: choose one");
  }
}

Extent2 Window::output_of(const Shape& input) const {
  if (input.rank() != 3) {
    fail("needs an image (height, width, channels), got " + input.to_string());
  }
  const Extent2 least = span();
  if (padding == Padding::valid && (input[0] < least.height || input[1] < least.width)) {
    fail("needs an image of at least " + std::to_string(least.height) + " by " +
         std::to_string(least.width) + ", got " + input.to_string());
  }
  return {along_height(input[0]).output, along_width(input[1]).output};
}

}  // namespace headrace
