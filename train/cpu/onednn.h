#pragma once

#include <cstdint>
#include <dnnl.hpp>

namespace headrace::cpu {

// oneDNN's CPU engine, and a stream on it for the calling thread's use.
const dnnl::engine& onednn_engine();

// Whether the CPU multiplies bf16 itself (AVX512-BF16, which all that have AMX have).
bool has_bf16();

// While it lives, oneDNN computes on the calling thread alone: parallel work is ours, by slices of
// the batch. Both making and executing a primitive look at this.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// c (m x n) = a (m x k) b (k x n) + beta c, row-major; a and b may be given transposed.
struct Matrix {
  const float* data;
  std::int64_t row_length;  // as stored
  bool transposed = false;
};
// Rows of c are `c_row_length` apart; n if none is given.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, float beta,
              float* c, std::int64_t c_row_length = 0);

}  // namespace headrace::cpu
