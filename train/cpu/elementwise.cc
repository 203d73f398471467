#include "headrace/train/cpu/elementwise.h"

#include "headrace/train/cpu/clones.h"

namespace headrace::cpu {

HEADRACE_CLONES
void convert(const std::uint8_t* from, std::size_t size, float* to) {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<float>(from[i]);
}

HEADRACE_CLONES
void add(const float* from, std::size_t size, float* to) {
  for (std::size_t i = 0; i < size; ++i) to[i] += from[i];
}

HEADRACE_CLONES
void relu(const float* x, std::size_t size, float* y) {
  for (std::size_t i = 0; i < size; ++i) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

HEADRACE_CLONES
void relu_backward(const float* y, std::size_t size, float* dy) {
  for (std::size_t i = 0; i < size; ++i) dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
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
void add_rows(const float* x, std::size_t rows, std::size_t width, float* sums) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < width; ++i) sums[i] += x[row * width + i];
  }
}

}  // namespace headrace::cpu
