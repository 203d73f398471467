#pragma once

#include <cstdint>
#include <cstring>

#include "headrace/train/cpu/tensor_table.h"
#include "headrace/train/gpu/host_device.h"

// Numbers of a tensor on a device, one or eight at a time.
namespace headrace::gpu {

using cpu::size_of;
using cpu::Type;

// Values of one type in groups, `stride` elements from one to the next. Null: there are none.
struct Array {
  void* data = nullptr;
  Type type = Type::f32;
  std::int64_t stride = 0;

  explicit HEADRACE_HOST_DEVICE operator bool() const { return data != nullptr; }
};

HEADRACE_HOST_DEVICE float float_of_bits(std::uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
HEADRACE_HOST_DEVICE std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

HEADRACE_HOST_DEVICE float from_bf16(std::uint32_t bits) { return float_of_bits(bits << 16); }
// Rounds to the nearest, ties to even; a NaN stays one.
HEADRACE_HOST_DEVICE std::uint32_t to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  if (value != value) return (bits >> 16) | 0x40u;
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

template <int lanes>
struct Values {
  float at[lanes];
};

// 16 bytes that are moved at once; they may hold anything.
struct alignas(16) [[gnu::may_alias]] Quad {
  std::uint32_t word[4];
};

// Eight need data and index to be multiples of 16 bytes, u8 excepted.
template <int lanes>
HEADRACE_HOST_DEVICE Values<lanes> load(const Array& array, std::int64_t index) {
  Values<lanes> values;
  if (array.type == Type::bf16) {
    const auto* from = static_cast<const std::uint16_t*>(array.data) + index;
    if constexpr (lanes == 8) {
      const Quad quad = *reinterpret_cast<const Quad*>(from);
      for (int i = 0; i < 4; ++i) {
        values.at[2 * i] = from_bf16(quad.word[i] & 0xffffu);
        values.at[2 * i + 1] = from_bf16(quad.word[i] >> 16);
      }
    } else {
      for (int i = 0; i < lanes; ++i) values.at[i] = from_bf16(from[i]);
    }
  } else if (array.type == Type::f32) {
    const auto* from = static_cast<const float*>(array.data) + index;
    if constexpr (lanes == 8) {
      const Quad low = *reinterpret_cast<const Quad*>(from);
      const Quad high = *reinterpret_cast<const Quad*>(from + 4);
      for (int i = 0; i < 4; ++i) {
        values.at[i] = float_of_bits(low.word[i]);
        values.at[4 + i] = float_of_bits(high.word[i]);
      }
    } else {
      for (int i = 0; i < lanes; ++i) values.at[i] = from[i];
    }
  } else {
    const auto* from = static_cast<const std::uint8_t*>(array.data) + index;
    for (int i = 0; i < lanes; ++i) values.at[i] = static_cast<float>(from[i]);
  }
  return values;
}

// Of f32 and bf16.
template <int lanes>
HEADRACE_HOST_DEVICE void store(const Array& array, std::int64_t index,
                                const Values<lanes>& values) {
  if (array.type == Type::bf16) {
    auto* to = static_cast<std::uint16_t*>(array.data) + index;
    if constexpr (lanes == 8) {
      Quad quad;
      for (int i = 0; i < 4; ++i) {
        quad.word[i] = to_bf16(values.at[2 * i]) | to_bf16(values.at[2 * i + 1]) << 16;
      }
      *reinterpret_cast<Quad*>(to) = quad;
    } else {
      for (int i = 0; i < lanes; ++i) to[i] = static_cast<std::uint16_t>(to_bf16(values.at[i]));
    }
  } else {
    auto* to = static_cast<float*>(array.data) + index;
    if constexpr (lanes == 8) {
      Quad low, high;
      for (int i = 0; i < 4; ++i) {
        low.word[i] = bits_of(values.at[i]);
        high.word[i] = bits_of(values.at[4 + i]);
      }
      *reinterpret_cast<Quad*>(to) = low;
      *reinterpret_cast<Quad*>(to + 4) = high;
    } else {
      for (int i = 0; i < lanes; ++i) to[i] = values.at[i];
    }
  }
}

HEADRACE_HOST_DEVICE float load_one(const Array& array, std::int64_t index) {
  return load<1>(array, index).at[0];
}
HEADRACE_HOST_DEVICE void store_one(const Array& array, std::int64_t index, float value) {
  store<1>(array, index, Values<1>{{value}});
}

// Groups of `width` values, cut into pieces of so many lanes: the place of a piece.
template <int lanes>
struct Pieces {
  std::int64_t groups = 0;
  std::uint32_t width = 0;

  HEADRACE_HOST_DEVICE std::int64_t count() const { return groups * (width / lanes); }
  struct Place {
    std::int64_t group;
    std::uint32_t first;  // of the group's values
    HEADRACE_HOST_DEVICE std::int64_t in(const Array& array) const {
      return group * array.stride + first;
    }
  };
  // Pieces number fewer than 2^32, whose division is much faster on a GPU.
  HEADRACE_HOST_DEVICE Place place(std::uint32_t piece) const {
    const std::uint32_t of_group = width / lanes;
    return {piece / of_group, piece % of_group * lanes};
  }
};

}  // namespace headrace::gpu
