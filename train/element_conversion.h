#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace headrace {

// Bytes of an element of a safetensors type that can be read ("F32", "F16", "BF16", "F64",
// "I64"); 0 for others.
std::size_t element_bytes(std::string_view type);

// The elements as f32, rounded to nearest even. Requires a type of the above, and
// bytes.size() == values.size() * element_bytes(type).
void to_f32(std::string_view type, std::span<const std::byte> bytes, std::span<float> values);

}  // namespace headrace
