#pragma once

#include <cstddef>
#include <cstdint>

namespace headrace::cpu {

// Loops over arrays, compiled for the widest vectors of the machine. Sizes in elements.

void convert(const std::uint8_t* from, std::size_t size, float* to);
void add(const float* from, std::size_t size, float* to);  // to += from
void relu(const float* x, std::size_t size, float* y);     // x may be y
// Gradient of relu, in place, from its output.
void relu_backward(const float* y, std::size_t size, float* dy);
void product(const float* a, const float* b, std::size_t size, float* to);

// y[row][i] += bias[i], then relu if asked for.
void add_bias(const float* bias, std::size_t rows, std::size_t width, bool with_relu, float* y);
// sums[i] += the sum over rows of x[row][i].
void add_rows(const float* x, std::size_t rows, std::size_t width, float* sums);

}  // namespace headrace::cpu
