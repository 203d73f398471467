#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/train/cpu/operation.h"

namespace headrace::cpu {

// Groups of adjacent elements, `stride` elements apart.
struct Array {
  void* data = nullptr;
  Type type = Type::f32;  // or bf16
  std::int64_t stride = 0;
};
inline Array at(const Block& block, const View& view) {
  auto* tensor = block.data<std::byte>({view.tensor});
  return {tensor + view.offset * static_cast<std::int64_t>(size_of(view.type)), view.type,
          view.stride};
}

// Loops over arrays, compiled for the widest vectors of the machine. Sizes in elements.

void copy(Array from, Array to, std::int64_t groups, std::int64_t width);
void accumulate(Array from, Array to, std::int64_t groups, std::int64_t width);  // to += from

void convert(const std::uint8_t* from, std::size_t size, float* to);
void add(const float* from, std::size_t size, float* to);  // to += from
// The same, and whether all sums are finite.
bool add_finite(const float* from, std::size_t size, float* to);
// y = relu(x), both plain, of the same type; y may be x.
void relu(Array x, std::int64_t size, Array y);
// y = a + b, then relu if asked for; all plain, of the same type.
void sum(Array a, Array b, std::int64_t size, bool with_relu, Array y);
// Gradient of relu, in place, from its output. Both plain, of the same type.
void relu_backward(Array y, std::int64_t size, Array dy);
bool all_finite(const float* x, std::size_t size);
void product(const float* a, const float* b, std::size_t size, float* to);

// y[row][i] += bias[i], then relu if asked for.
void add_bias(const float* bias, std::size_t rows, std::size_t width, bool with_relu, float* y);
// largest[i] = the largest of x[row][i], its row in rows[i]; of equal ones the first.
void largest_rows(const float* x, std::size_t count, std::size_t width, float* largest,
                  std::int32_t* rows);
// sums[i] += the sum over rows of x[row][i].
void add_rows(const float* x, std::size_t rows, std::size_t width, float* sums);

}  // namespace headrace::cpu
