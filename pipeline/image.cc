#include "headrace/pipeline/image.h"

#include "headrace/pipeline/error.h"

namespace headrace {

std::size_t size_of(ElementType type) {
  switch (type) {
    case ElementType::u8: return 1;
    case ElementType::f16:
    case ElementType::bf16: return 2;
    case ElementType::i32:
    case ElementType::f32: return 4;
    case ElementType::i64:
    case ElementType::f64: return 8;
  }
  return 0;
}

std::string_view to_string(ElementType type) {
  switch (type) {
    case ElementType::u8: return "u8";
    case ElementType::i32: return "i32";
    case ElementType::i64: return "i64";
    case ElementType::f16: return "f16";
    case ElementType::bf16: return "bf16";
    case ElementType::f32: return "f32";
    case ElementType::f64: return "f64";
  }
  return "unknown";
}

void Image::reshape(ImageShape shape, ElementType type) {
  constexpr std::size_t max_elements = std::size_t{1} << 40;
  if (shape.height < 0 || shape.width < 0 || shape.channels < 0) {
    throw Error(ErrorCode::invalid_argument, "an image cannot have a negative extent");
  }
  // Two factors below 2^31 cannot overflow; the third is checked before it is multiplied in.
  const auto plane = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  if (shape.channels > 0 && plane > max_elements / static_cast<std::size_t>(shape.channels)) {
    throw Error(ErrorCode::invalid_argument, "an image of more than 2^40 elements");
  }
  shape_ = shape;
  type_ = type;
  row_bytes_ = static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.channels) *
               size_of(type);
  const std::size_t needed = row_bytes_ * static_cast<std::size_t>(shape.height) + padding;
  if (bytes_.size() < needed) bytes_.resize(needed);
}

}  // namespace headrace
