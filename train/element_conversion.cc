#include "headrace/train/element_conversion.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace headrace {
namespace {

float from_f16(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const float fraction = static_cast<float>(half & 1023) / 1024.0f;
  float magnitude = 0;
  if (exponent == 0) {
    magnitude = std::ldexp(fraction, -14);
  } else if (exponent < 31) {
    magnitude = std::ldexp(1.0f + fraction, exponent - 15);
  } else {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  }
  return std::copysign(magnitude, (half & 0x8000) != 0 ? -1.0f : 1.0f);
}

float from_bf16(std::uint16_t value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

template <class T, class Convert>
void convert(std::span<const std::byte> bytes, std::span<float> values, Convert to_float) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = to_float(value);
  }
}

}  // namespace

std::size_t element_bytes(std::string_view type) {
  if (type == "F32") return 4;
  if (type == "F16" || type == "BF16") return 2;
  if (type == "F64" || type == "I64") return 8;
  return 0;
}

void to_f32(std::string_view type, std::span<const std::byte> bytes, std::span<float> values) {
  if (type == "F16") return convert<std::uint16_t>(bytes, values, from_f16);
  if (type == "BF16") return convert<std::uint16_t>(bytes, values, from_bf16);
  const auto cast = [](auto value) { return static_cast<float>(value); };
  if (type == "F64") return convert<double>(bytes, values, cast);
  if (type == "I64") return convert<std::int64_t>(bytes, values, cast);
  convert<float>(bytes, values, cast);
}

}  // namespace headrace
