#pragma once

#include <cstdint>

namespace headrace::cpu {

// Whether multiply_long_rows() is the faster way.
bool are_long_rows(std::int64_t units, std::int64_t length);

// y[r][u] = the sum over k of x[r][k] w[u][k], row-major: few values of long rows, as of a dense
// layer that ends an image. Matrix products pack their arguments, which takes longer than this;
// rows go by in pieces that stay in the cache until all products with them are made. A row's values
// do not depend on the others.
void multiply_long_rows(const float* x, std::int64_t rows, const float* w, std::int64_t units,
                        std::int64_t length, float* y);

}  // namespace headrace::cpu
