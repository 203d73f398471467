#include "headrace/train/cpu/elementwise.h"

#include <bit>
#include <utility>

#include "headrace/train/cpu/bf16.h"
#include "headrace/train/cpu/clones.h"

namespace headrace::cpu {
namespace {

// 1 or 0.
inline std::uint32_t not_finite(float x) {
  constexpr std::uint32_t exponent = 0x7f800000;
  return (std::bit_cast<std::uint32_t>(x) & exponent) == exponent ? 1 : 0;
}

template <bool with_sum, class From, class To>
inline __attribute__((always_inline)) void move(const From* from, std::int64_t from_stride, To* to,
                                                std::int64_t to_stride, std::int64_t groups,
                                                std::int64_t width) {
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t i = 0; i < width; ++i) {
      const float value = to_float(from[i]);
      assign(to[i], with_sum ? to_float(to[i]) + value : value);
    }
    from += from_stride;
    to += to_stride;
  }
}

// One function for each pair of types and each of both kinds, since only functions can be cloned.
#define HEADRACE_MOVE(name, with_sum, From, To)                                                 \
  HEADRACE_CLONES void name(Array from, Array to, std::int64_t groups, std::int64_t width) {    \
    move<with_sum>(static_cast<const From*>(from.data), from.stride, static_cast<To*>(to.data), \
                   to.stride, groups, width);                                                   \
  }
HEADRACE_MOVE(copy_f32_f32, false, float, float)
HEADRACE_MOVE(copy_f32_bf16, false, float, Bf16)
HEADRACE_MOVE(copy_bf16_f32, false, Bf16, float)
HEADRACE_MOVE(copy_bf16_bf16, false, Bf16, Bf16)
HEADRACE_MOVE(add_f32_f32, true, float, float)
HEADRACE_MOVE(add_f32_bf16, true, float, Bf16)
HEADRACE_MOVE(add_bf16_f32, true, Bf16, float)
HEADRACE_MOVE(add_bf16_bf16, true, Bf16, Bf16)
#undef HEADRACE_MOVE

using Move = void (*)(Array, Array, std::int64_t, std::int64_t);

// `moves` are from f32 to both types, then from bf16.
void run(const Move (&moves)[4], Array from, Array to, std::int64_t groups, std::int64_t width) {
  if (from.stride == width && to.stride == width) width *= std::exchange(groups, 1);
  moves[(from.type == Type::bf16 ? 2 : 0) + (to.type == Type::bf16 ? 1 : 0)](from, to, groups,
                                                                             width);
}

}  // namespace

void copy(Array from, Array to, std::int64_t groups, std::int64_t width) {
  run({copy_f32_f32, copy_f32_bf16, copy_bf16_f32, copy_bf16_bf16}, from, to, groups, width);
}

void accumulate(Array from, Array to, std::int64_t groups, std::int64_t width) {
  run({add_f32_f32, add_f32_bf16, add_bf16_f32, add_bf16_bf16}, from, to, groups, width);
}

HEADRACE_CLONES
void convert(const std::uint8_t* from, std::size_t size, float* to) {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<float>(from[i]);
}

HEADRACE_CLONES
void add(const float* from, std::size_t size, float* to) {
  for (std::size_t i = 0; i < size; ++i) to[i] += from[i];
}

HEADRACE_CLONES
void relu_f32(const float* x, std::int64_t size, float* y) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

HEADRACE_CLONES
void relu_bf16(const Bf16* x, std::int64_t size, Bf16* y) {
  for (std::int64_t i = 0; i < size; ++i) {
    y[i].bits = to_float(x[i]) < 0.0f ? std::uint16_t{0} : x[i].bits;
  }
}

void relu(Array x, std::int64_t size, Array y) {
  if (x.type == Type::bf16) {
    relu_bf16(static_cast<const Bf16*>(x.data), size, static_cast<Bf16*>(y.data));
  } else {
    relu_f32(static_cast<const float*>(x.data), size, static_cast<float*>(y.data));
  }
}

template <class T>
inline __attribute__((always_inline)) void add_two(const T* a, const T* b, std::int64_t size,
                                                   float floor, T* y) {
  for (std::int64_t i = 0; i < size; ++i) {
    const float sum = to_float(a[i]) + to_float(b[i]);
    assign(y[i], sum < floor ? floor : sum);
  }
}

HEADRACE_CLONES
void sum_f32(const float* a, const float* b, std::int64_t size, float floor, float* y) {
  add_two(a, b, size, floor, y);
}

HEADRACE_CLONES
void sum_bf16(const Bf16* a, const Bf16* b, std::int64_t size, float floor, Bf16* y) {
  add_two(a, b, size, floor, y);
}

void sum(Array a, Array b, std::int64_t size, bool with_relu, Array y) {
  const float floor = with_relu ? 0.0f : -__builtin_huge_valf();
  if (a.type == Type::bf16) {
    sum_bf16(static_cast<const Bf16*>(a.data), static_cast<const Bf16*>(b.data), size, floor,
             static_cast<Bf16*>(y.data));
  } else {
    sum_f32(static_cast<const float*>(a.data), static_cast<const float*>(b.data), size, floor,
            static_cast<float*>(y.data));
  }
}

HEADRACE_CLONES
void relu_backward_f32(const float* y, std::int64_t size, float* dy) {
  for (std::int64_t i = 0; i < size; ++i) dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

HEADRACE_CLONES
void relu_backward_bf16(const Bf16* y, std::int64_t size, Bf16* dy) {
  for (std::int64_t i = 0; i < size; ++i) {
    dy[i].bits = to_float(y[i]) > 0.0f ? dy[i].bits : std::uint16_t{0};
  }
}

void relu_backward(Array y, std::int64_t size, Array dy) {
  if (y.type == Type::bf16) {
    relu_backward_bf16(static_cast<const Bf16*>(y.data), size, static_cast<Bf16*>(dy.data));
  } else {
    relu_backward_f32(static_cast<const float*>(y.data), size, static_cast<float*>(dy.data));
  }
}

HEADRACE_CLONES
bool all_finite(const float* x, std::size_t size) {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < size; ++i) found |= not_finite(x[i]);
  return found == 0;
}

HEADRACE_CLONES
bool add_finite(const float* from, std::size_t size, float* to) {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < size; ++i) {
    to[i] += from[i];
    found |= not_finite(to[i]);
  }
  return found == 0;
}

HEADRACE_CLONES
void product(const float* a, const float* b, std::size_t size, float* to) {
  for (std::size_t i = 0; i < size; ++i) to[i] = a[i] * b[i];
}

HEADRACE_CLONES
void add_bias(const float* bias, std::size_t rows, std::size_t width, bool with_relu, float* y) {
  const float floor = with_relu ? 0.0f : -__builtin_huge_valf();
  for (std::size_t row = 0; row < rows; ++row) {
    float* values = y + row * width;
    for (std::size_t i = 0; i < width; ++i) {
      const float sum = values[i] + bias[i];
      values[i] = sum < floor ? floor : sum;
    }
  }
}

HEADRACE_CLONES
void largest_rows(const float* x, std::size_t count, std::size_t width, float* largest,
                  std::int32_t* rows) {
  for (std::size_t i = 0; i < width; ++i) {
    largest[i] = x[i];
    rows[i] = 0;
  }
  for (std::size_t row = 1; row < count; ++row) {
    const float* values = x + row * width;
    const auto number = static_cast<std::int32_t>(row);
    for (std::size_t i = 0; i < width; ++i) {
      rows[i] = values[i] > largest[i] ? number : rows[i];
      largest[i] = values[i] > largest[i] ? values[i] : largest[i];
    }
  }
}

HEADRACE_CLONES
void add_rows(const float* x, std::size_t rows, std::size_t width, float* sums) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < width; ++i) sums[i] += x[row * width + i];
  }
}

}  // namespace headrace::cpu
